ALTER TABLE "uploads" ADD COLUMN "token_id" text collate "C";--> statement-breakpoint
CREATE INDEX "uploads_by_token" ON "uploads" USING btree ("token_id") WHERE "uploads"."token_id" is not null;--> statement-breakpoint
-- Decides about reservations that are written together, each a JSON object, those of a rate limit in their order in
-- the batch. An idempotency key that is in use
-- takes precedence over the rate limit, that over the limit of the token, and that over the quota. Returns for each
-- id "reserved", or what prevents it: "key-in-use", "rate-limited" with the seconds to wait, "token-used-up",
-- "over-quota" with the seconds in use. "rate_keys" are those of the reservations, with the names of the tokens that
-- limit the number of uploads; "creators" those with a quota. Each is given once and in the same order in every
-- call, so that concurrent calls do not deadlock. Until the transaction ends, no other reserves for them; it writes
-- the rows. The previous version passes no tokens.
CREATE OR REPLACE FUNCTION "admit_reservations"(batch json, rate_keys text[], creators text[])
RETURNS TABLE ("id" text, "outcome" text, "amount" bigint)
-- Planning for each batch would take longer than a generic plan, which must suit tables that have grown since.
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
	locked text;
	done text;
	item record;
	server_ms bigint;
	now_ms bigint;
	-- What the rate limit of the last item has consumed, and whether it must be written.
	rate_key text;
	rate record;
	is_changed boolean := false;
	-- Seconds in use by each creator, with those of the reservations decided so far.
	used jsonb;
	used_seconds bigint;
	-- Uploads of each token, with the reservations decided so far.
	of_tokens jsonb := '{}';
	of_token bigint;
	-- Idempotency keys of the reservations decided so far, with their requesters.
	used_keys text[] := '{}';
	used_key text;
BEGIN
	-- Assignments, because PERFORM would execute a query for each.
	FOREACH locked IN ARRAY rate_keys LOOP
		done := pg_advisory_xact_lock(hashtextextended(locked, 7204));
	END LOOP;
	FOREACH locked IN ARRAY creators LOOP
		done := pg_advisory_xact_lock(720402, hashtext(locked));
	END LOOP;
	-- Read after the locks, so that the times of a key ascend.
	server_ms := floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint;
	SELECT coalesce(jsonb_object_agg(usage."creator", usage."seconds"), '{}') INTO used FROM (
		SELECT "creator", sum("seconds") AS "seconds" FROM (
			SELECT "creator", "reserved_seconds" + "stored_seconds" AS "seconds"
			FROM "upload_tallies" WHERE "creator" = ANY (creators)
			UNION ALL
			SELECT "creator", "reserved_seconds" + "stored_seconds"
			FROM "upload_tally_changes" WHERE "creator" = ANY (creators)
		) AS counted GROUP BY "creator"
	) AS usage;
	FOR item IN
		SELECT entry.*, holder."id" AS "holder",
			holder."uid" IS NOT NULL AND holder."created_at" < entry."keys_valid_since" AS "has_expired",
			limited."times", limited."units", block."until"
		FROM ROWS FROM (json_to_recordset(batch) AS (
			"id" text, "creator" text, "requested_by" text, "idempotency_key" text, "max_duration_seconds" integer,
			"keys_valid_since" timestamptz, "quota_seconds" bigint,
			"rate_key" text, "limits" integer[], "windows" bigint[], "step_ms" bigint, "now_ms" bigint,
			"token_id" text, "max_uploads" integer
		)) WITH ORDINALITY AS entry
		-- Limits keep the planner from reading whole tables, whatever it believes about their size.
		LEFT JOIN LATERAL (
			SELECT "id", "uid", "created_at" FROM "uploads"
			WHERE "requested_by" = entry."requested_by" AND "idempotency_key" = entry."idempotency_key" LIMIT 1
		) AS holder ON true
		LEFT JOIN LATERAL (
			SELECT "times", "units" FROM "rate_limits" WHERE "key" = entry."rate_key" LIMIT 1
		) AS limited ON true
		LEFT JOIN LATERAL (
			SELECT "until" FROM "allowance_holds" WHERE "key" = entry."rate_key" LIMIT 1
		) AS block ON true
		ORDER BY entry."rate_key", entry."ordinality"
	LOOP
		"id" := item."id";
		"amount" := NULL;
		-- Null without a key.
		used_key := length(item."requested_by") || ':' || item."requested_by" || item."idempotency_key";
		IF (item."holder" IS NOT NULL AND NOT item."has_expired") OR used_key = ANY (used_keys) THEN
			"outcome" := 'key-in-use';
			RETURN NEXT;
			CONTINUE;
		END IF;
		IF item."holder" IS NOT NULL THEN
			UPDATE "uploads" SET "idempotency_key" = NULL WHERE "uploads"."id" = item."holder";
		END IF;
		IF item."rate_key" IS NOT NULL THEN
			now_ms := coalesce(item."now_ms", server_ms);
			IF item."rate_key" IS DISTINCT FROM rate_key THEN
				IF is_changed THEN
					done := "write_rate_limit"(rate_key, rate.times, rate.units);
				END IF;
				rate_key := item."rate_key";
				is_changed := false;
				rate := "consume_units"(
					item."times", item."units", "remaining_block"(item."until", now_ms),
					now_ms, item."limits", item."windows", item."step_ms", 1
				);
			ELSE
				rate := "consume_units"(
					rate.times, rate.units, "remaining_block"(item."until", now_ms),
					now_ms, item."limits", item."windows", item."step_ms", 1
				);
			END IF;
			is_changed := is_changed OR rate.units IS DISTINCT FROM item."units" OR rate.times IS DISTINCT FROM item."times";
			IF rate.consumed = 0 THEN
				"outcome" := 'rate-limited';
				"amount" := greatest(1, ceil(rate.wait_ms / 1000.0));
				RETURN NEXT;
				CONTINUE;
			END IF;
		END IF;
		IF item."token_id" IS NOT NULL THEN
			of_token := (of_tokens ->> item."token_id")::bigint;
			IF of_token IS NULL THEN
				of_token := (
					SELECT count(*) FROM "uploads" WHERE "token_id" = item."token_id" AND "status" <> 'RETIRED'
				);
			END IF;
			IF of_token >= item."max_uploads" THEN
				"outcome" := 'token-used-up';
				RETURN NEXT;
				CONTINUE;
			END IF;
		END IF;
		IF item."quota_seconds" IS NOT NULL THEN
			used_seconds := coalesce((used ->> item."creator")::bigint, 0);
			IF used_seconds + item."max_duration_seconds" > item."quota_seconds" THEN
				"outcome" := 'over-quota';
				"amount" := used_seconds;
				RETURN NEXT;
				CONTINUE;
			END IF;
			used := used || jsonb_build_object(item."creator", used_seconds + item."max_duration_seconds");
		END IF;
		IF item."token_id" IS NOT NULL THEN
			of_tokens := of_tokens || jsonb_build_object(item."token_id", of_token + 1);
		END IF;
		IF used_key IS NOT NULL THEN
			used_keys := used_keys || used_key;
		END IF;
		"outcome" := 'reserved';
		RETURN NEXT;
	END LOOP;
	IF is_changed THEN
		done := "write_rate_limit"(rate_key, rate.times, rate.units);
	END IF;
END
$$;
