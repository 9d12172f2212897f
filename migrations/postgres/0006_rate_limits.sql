CREATE TABLE "rate_limits" (
	"key" text collate "C" PRIMARY KEY NOT NULL,
	"times" bigint[] NOT NULL,
	"units" integer[] NOT NULL
)
-- Each consumed unit replaces its row: the free space keeps the new version on the same page, uncompressed.
WITH (fillfactor = 50, toast_tuple_target = 8160);
--> statement-breakpoint
WITH "moved" AS (DELETE FROM "allowances" RETURNING *)
INSERT INTO "rate_limits" ("key", "times", "units")
SELECT "key", array_agg("at" ORDER BY "at"), array_agg("uses" ORDER BY "at")
FROM "moved" WHERE "uses" > 0 GROUP BY "key";
--> statement-breakpoint
-- Consumes up to "wanted" units of a key that has consumed these "times" and "units", oldest first: as many as
-- all windows have room for. "limits" and "windows" (milliseconds) are parallel. Units are counted under the end
-- of their time step of "step_ms". Returns what the key has consumed then, and the milliseconds until all windows
-- have room and the block of "blocked_ms" has ended.
CREATE FUNCTION "consume_units"(
	INOUT times bigint[], INOUT units integer[], blocked_ms bigint, now_ms bigint,
	limits integer[], windows bigint[], step_ms bigint, wanted integer,
	OUT consumed integer, OUT wait_ms bigint
) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	oldest integer := 1;
	newest integer := coalesce(cardinality(times), 0);
	place integer;
	future integer := 0;
	longest bigint := 0;
	step_end bigint := (now_ms + step_ms - 1) / step_ms * step_ms;
	used integer;
	last_window integer := coalesce(cardinality(windows), 0);
BEGIN
	consumed := CASE WHEN blocked_ms > 0 THEN 0 ELSE wanted END;
	wait_ms := blocked_ms;
	IF last_window = 0 THEN
		RETURN;
	END IF;
	FOR window_place IN 1 .. last_window LOOP
		longest := greatest(longest, windows[window_place]);
	END LOOP;
	-- Where the clock was set back, units in its future count as consumed now.
	WHILE newest > 0 AND times[newest] > now_ms + step_ms LOOP
		future := future + units[newest];
		newest := newest - 1;
	END LOOP;
	WHILE oldest <= newest AND times[oldest] <= now_ms - longest LOOP
		oldest := oldest + 1;
	END LOOP;
	IF newest = 0 OR oldest > 1 OR future > 0 THEN
		times := coalesce(times[oldest:newest], '{}');
		units := coalesce(units[oldest:newest], '{}');
		newest := newest - oldest + 1;
	END IF;
	IF future > 0 AND newest > 0 AND times[newest] >= now_ms THEN
		units[newest] := units[newest] + future;
	ELSIF future > 0 THEN
		newest := newest + 1;
		times[newest] := now_ms;
		units[newest] := future;
	END IF;
	FOR window_place IN 1 .. last_window LOOP
		used := 0;
		place := newest;
		WHILE place > 0 AND times[place] > now_ms - windows[window_place] LOOP
			used := used + units[place];
			place := place - 1;
		END LOOP;
		consumed := greatest(0, least(consumed, limits[window_place] - used));
	END LOOP;
	IF consumed > 0 AND newest > 0 AND times[newest] >= step_end THEN
		units[newest] := units[newest] + consumed;
	ELSIF consumed > 0 THEN
		newest := newest + 1;
		times[newest] := step_end;
		units[newest] := consumed;
	END IF;
	IF consumed = wanted THEN
		RETURN;
	END IF;
	FOR window_place IN 1 .. last_window LOOP
		-- There is room once all but the newest "limit - 1" units have left the window.
		used := 0;
		place := newest;
		WHILE place > 0 AND times[place] > now_ms - windows[window_place] LOOP
			used := used + units[place];
			IF used >= limits[window_place] THEN
				wait_ms := greatest(wait_ms, times[place] + windows[window_place] - now_ms);
				EXIT;
			END IF;
			place := place - 1;
		END LOOP;
	END LOOP;
END
$$;
--> statement-breakpoint
-- Milliseconds until a block ends; 0 without one. A later end than in ten minutes was written by a
-- clock that was wrong.
CREATE FUNCTION "remaining_block"(block_end timestamptz, now_ms bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	remaining bigint;
BEGIN
	IF block_end IS NULL THEN
		RETURN 0;
	END IF;
	remaining := ceil(extract(epoch FROM block_end) * 1000)::bigint - now_ms;
	RETURN CASE WHEN remaining BETWEEN 1 AND 600000 THEN remaining ELSE 0 END;
END
$$;
--> statement-breakpoint
CREATE FUNCTION "write_rate_limit"(the_key text, times bigint[], units integer[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO "rate_limits" ("key", "times", "units") VALUES (the_key, times, units)
	ON CONFLICT ("key") DO UPDATE SET "times" = excluded."times", "units" = excluded."units";
END
$$;
--> statement-breakpoint
-- Consumes up to "wanted" units of the key, none while it is blocked. Returns the time of the units and, if fewer
-- than "wanted" were consumed, the seconds until there is room again. "now_ms" null selects the server's clock.
-- Locks the key until the transaction ends.
CREATE FUNCTION "consume_rate_limit"(
	the_key text, now_ms bigint, limits integer[], windows bigint[], step_ms bigint, wanted integer,
	OUT consumed integer, OUT wait_seconds integer, OUT at bigint
) LANGUAGE plpgsql AS $$
DECLARE
	held record;
	after record;
	done text;
BEGIN
	done := pg_advisory_xact_lock(hashtextextended(the_key, 7204));
	-- Read after the lock, so that the times of a key ascend.
	now_ms := coalesce(now_ms, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint);
	at := (now_ms + step_ms - 1) / step_ms * step_ms;
	SELECT limited."times", limited."units", block."until" INTO held
	FROM (SELECT the_key AS "key") AS asked
	LEFT JOIN "rate_limits" AS limited ON limited."key" = asked."key"
	LEFT JOIN "allowance_holds" AS block ON block."key" = asked."key";
	after := "consume_units"(
		held."times", held."units", "remaining_block"(held."until", now_ms), now_ms, limits, windows, step_ms, wanted
	);
	IF after.units IS DISTINCT FROM held."units" OR after.times IS DISTINCT FROM held."times" THEN
		done := "write_rate_limit"(the_key, after.times, after.units);
	END IF;
	consumed := after.consumed;
	IF consumed < wanted THEN
		wait_seconds := greatest(1, ceil(after.wait_ms / 1000.0));
	END IF;
END
$$;
--> statement-breakpoint
-- Gives back the newest unit of the key that is not after "given_at".
CREATE FUNCTION "give_back_rate_limit"(the_key text, given_at bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	stored_times bigint[];
	stored_units integer[];
	place integer;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended(the_key, 7204));
	SELECT "times", "units" INTO stored_times, stored_units FROM "rate_limits" WHERE "key" = the_key;
	place := cardinality(stored_times);
	WHILE place > 0 AND stored_times[place] > given_at LOOP
		place := place - 1;
	END LOOP;
	IF coalesce(place, 0) = 0 THEN
		RETURN;
	END IF;
	stored_units[place] := stored_units[place] - 1;
	IF stored_units[place] = 0 THEN
		stored_times := stored_times[:place - 1] || stored_times[place + 1:];
		stored_units := stored_units[:place - 1] || stored_units[place + 1:];
	END IF;
	UPDATE "rate_limits" SET "times" = stored_times, "units" = stored_units WHERE "key" = the_key;
END
$$;
--> statement-breakpoint
-- Called by the previous version, whose units thus count with those of this version.
CREATE OR REPLACE FUNCTION "take_allowance"(the_key text, now_ms bigint, mosts integer[], spans bigint[], grain_ms bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	outcome record;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	SELECT * INTO outcome FROM "consume_rate_limit"(the_key, now_ms, mosts, spans, grain_ms, 1);
	RETURN CASE WHEN outcome.consumed = 0 THEN outcome.wait_seconds END;
END
$$;
--> statement-breakpoint
-- Decides about reservations that are written together, each a JSON object. An idempotency key that is in use
-- takes precedence over the rate limit, and that over the quota. Returns for each id "reserved", or what
-- prevents it: "key-in-use", "rate-limited" with the seconds to wait, "over-quota" with the seconds in use.
-- "rate_keys" are those of the reservations, "creators" those with a quota, each once and in the same order in every
-- call, so that concurrent calls do not deadlock. Until the transaction ends, no other reserves for them; it writes
-- the rows.
CREATE FUNCTION "admit_reservations"(batch json, rate_keys text[], creators text[])
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
	last_requester text;
	last_key text;
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
		FROM json_to_recordset(batch) AS entry (
			"id" text, "creator" text, "requested_by" text, "idempotency_key" text, "max_duration_seconds" integer,
			"keys_valid_since" timestamptz, "quota_seconds" bigint,
			"rate_key" text, "limits" integer[], "windows" bigint[], "step_ms" bigint, "now_ms" bigint
		)
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
		ORDER BY entry."rate_key", entry."requested_by", entry."idempotency_key"
	LOOP
		"id" := item."id";
		"amount" := NULL;
		IF (item."holder" IS NOT NULL AND NOT item."has_expired")
			OR (item."requested_by" = last_requester AND item."idempotency_key" = last_key) THEN
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
		last_requester := item."requested_by";
		last_key := item."idempotency_key";
		"outcome" := 'reserved';
		RETURN NEXT;
	END LOOP;
	IF is_changed THEN
		done := "write_rate_limit"(rate_key, rate.times, rate.units);
	END IF;
END
$$;
--> statement-breakpoint
-- Turns reservations into uploads, each a JSON object, and writes their first events. Returns the uploads with the
-- bodies of the webhooks stored for their uids, oldest first. A webhook that is stored concurrently is either among
-- them, or waits until the transaction ends and then finds the upload that it recorded.
CREATE FUNCTION "mint_uploads"(batch json, uids text[]) RETURNS TABLE ("upload" "uploads", "webhooks" text[])
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
		WHERE "id" = entry."id" AND "status" = 'RESERVED'
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
--> statement-breakpoint
-- Both changes of an update are written by one statement.
CREATE OR REPLACE FUNCTION "tally_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF tg_op = 'INSERT' THEN
		INSERT INTO "upload_tally_changes" ("creator", "status", "protocol", "uploads", "reserved_seconds", "stored_seconds")
		VALUES (new."creator", new."status", new."protocol", 1, new."reserved_seconds", new."stored_seconds");
	ELSIF tg_op = 'DELETE' THEN
		INSERT INTO "upload_tally_changes" ("creator", "status", "protocol", "uploads", "reserved_seconds", "stored_seconds")
		VALUES (old."creator", old."status", old."protocol", -1, -old."reserved_seconds", -old."stored_seconds");
	ELSE
		INSERT INTO "upload_tally_changes" ("creator", "status", "protocol", "uploads", "reserved_seconds", "stored_seconds")
		VALUES (old."creator", old."status", old."protocol", -1, -old."reserved_seconds", -old."stored_seconds"),
			(new."creator", new."status", new."protocol", 1, new."reserved_seconds", new."stored_seconds");
	END IF;
	RETURN NULL;
END
$$;
