-- Turns reservations into uploads, each a JSON object, and writes their first events. Returns the uploads with the
-- bodies of the webhooks stored for their uids, oldest first. A webhook that is stored concurrently is either among
-- them, or waits until the transaction ends and then finds the upload that it recorded.
CREATE OR REPLACE FUNCTION "mint_uploads"(batch json, uids text[]) RETURNS TABLE ("upload" "uploads", "webhooks" text[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	locked text;
	done text;
	entry record;
	are_stored boolean;
BEGIN
	FOREACH locked IN ARRAY uids LOOP
		done := pg_advisory_xact_lock(720405, hashtext(locked));
	END LOOP;
	are_stored := EXISTS (SELECT FROM "kept_notices" WHERE "uid" = ANY (uids));
	-- Row by row, so that each is looked up by its id: there may be many reservations while Stream is unavailable.
	FOR entry IN
		SELECT * FROM json_to_recordset(batch) AS given (
			"id" text, "uid" text, "upload_url" text, "updated_at" timestamptz, "check_at" timestamptz
		)
	LOOP
		UPDATE "uploads" SET "uid" = entry."uid", "upload_url" = entry."upload_url",
			"status" = 'PENDING_UPLOAD', "version" = 1, "updated_at" = entry."updated_at", "check_at" = entry."check_at"
		-- An expression, which no index contains: the index of reservations is small to the planner, which would read all
		-- of them, and those of the past until the next vacuum.
		WHERE "id" = entry."id" AND "status" || '' = 'RESERVED'
		RETURNING * INTO "upload";
		CONTINUE WHEN NOT FOUND;
		INSERT INTO "upload_events" ("upload_id", "version", "status", "source", "at")
		VALUES (entry."id", 1, 'PENDING_UPLOAD', 'MUTATION', entry."updated_at");
		IF are_stored THEN
			"webhooks" := (
				SELECT array_agg("body" ORDER BY "received_at") FROM "kept_notices" WHERE "uid" = entry."uid"
			);
		END IF;
		RETURN NEXT;
	END LOOP;
END
$$;
