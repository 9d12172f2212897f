CREATE TABLE "rate_limits" (
	"key" text collate "C" PRIMARY KEY NOT NULL,
	"times" bigint[] NOT NULL,
	"units" integer[] NOT NULL
)
-- Each unit replaces its row. The free space keeps the new version on the same page.
WITH (fillfactor = 50);
--> statement-breakpoint
WITH "moved" AS (DELETE FROM "allowances" RETURNING *)
INSERT INTO "rate_limits" ("key", "times", "units")
SELECT "key", array_agg("at" ORDER BY "at"), array_agg("uses" ORDER BY "at")
FROM "moved" WHERE "uses" > 0 GROUP BY "key";
--> statement-breakpoint
-- Consumes up to "wanted" units of the key: as many as all windows have room for, none while it is blocked.
-- "limits" and "windows" (milliseconds) are parallel. Units are counted under the end of their time step of
-- "step_ms". Returns the time of the units and, if fewer than "wanted" were consumed, the seconds until there
-- is room again. "now_ms" null selects the server's clock. Locks the key until the transaction ends.
CREATE FUNCTION "consume_rate_limit"(
	the_key text, now_ms bigint, limits integer[], windows bigint[], step_ms bigint, wanted integer,
	OUT consumed integer, OUT wait_seconds integer, OUT at bigint
) LANGUAGE plpgsql AS $$
DECLARE
	stored_times bigint[];
	stored_units integer[];
	oldest integer := 1;
	newest integer;
	future integer := 0;
	longest bigint := (SELECT max("window") FROM unnest(windows) AS "window");
	used bigint[] := '{}';
	room bigint := wanted;
	wait_ms bigint;
	leaving bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended(the_key, 7204));
	-- Read after the lock, so that the times of a key ascend.
	now_ms := coalesce(now_ms, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint);
	at := (now_ms + step_ms - 1) / step_ms * step_ms;
	-- A block that ends later than ten minutes from now was written by a clock that was wrong.
	SELECT max(ceil(extract(epoch FROM "until") * 1000)::bigint - now_ms) INTO wait_ms
	FROM "allowance_holds"
	WHERE "key" = the_key AND ceil(extract(epoch FROM "until") * 1000)::bigint - now_ms <= 600000;
	wait_ms := greatest(wait_ms, 0);
	IF longest IS NULL THEN
		consumed := CASE WHEN wait_ms > 0 THEN 0 ELSE wanted END;
		wait_seconds := ceil(wait_ms / 1000.0);
		RETURN;
	END IF;
	SELECT "times", "units" INTO stored_times, stored_units FROM "rate_limits" WHERE "key" = the_key;
	newest := coalesce(cardinality(stored_times), 0);
	WHILE oldest <= newest AND stored_times[oldest] <= now_ms - longest LOOP
		oldest := oldest + 1;
	END LOOP;
	-- Where the clock was set back, units in its future count as consumed now.
	WHILE oldest <= newest AND stored_times[newest] > now_ms + step_ms LOOP
		future := future + stored_units[newest];
		newest := newest - 1;
	END LOOP;
	stored_times := coalesce(stored_times[oldest:newest], '{}');
	stored_units := coalesce(stored_units[oldest:newest], '{}');
	newest := cardinality(stored_times);
	IF future > 0 THEN
		IF newest > 0 AND stored_times[newest] >= now_ms THEN
			stored_units[newest] := stored_units[newest] + future;
		ELSE
			stored_times := stored_times || now_ms;
			stored_units := stored_units || future;
			newest := newest + 1;
		END IF;
	END IF;
	FOR place IN 1 .. cardinality(limits) LOOP
		used[place] := (
			SELECT coalesce(sum(entry."count"), 0)
			FROM unnest(stored_times, stored_units) AS entry ("at", "count")
			WHERE entry."at" > now_ms - windows[place]
		);
		room := least(room, limits[place] - used[place]);
	END LOOP;
	consumed := CASE WHEN wait_ms > 0 THEN 0 ELSE greatest(room, 0) END;
	IF consumed > 0 THEN
		IF newest > 0 AND stored_times[newest] >= at THEN
			stored_units[newest] := stored_units[newest] + consumed;
		ELSE
			stored_times := stored_times || at;
			stored_units := stored_units || consumed;
		END IF;
	END IF;
	IF consumed > 0 OR future > 0 THEN
		INSERT INTO "rate_limits" ("key", "times", "units") VALUES (the_key, stored_times, stored_units)
		ON CONFLICT ("key") DO UPDATE SET "times" = excluded."times", "units" = excluded."units";
	END IF;
	IF consumed < wanted THEN
		FOR place IN 1 .. cardinality(limits) LOOP
			IF used[place] + consumed >= limits[place] THEN
				-- There is room once enough of the oldest have left the window.
				SELECT passing."at" INTO leaving FROM (
					SELECT entry."at", sum(entry."count") OVER (ORDER BY entry."at") AS gone
					FROM unnest(stored_times, stored_units) AS entry ("at", "count")
					WHERE entry."at" > now_ms - windows[place]
				) AS passing
				WHERE used[place] + consumed - passing.gone < limits[place] ORDER BY passing."at" LIMIT 1;
				wait_ms := greatest(wait_ms, coalesce(leaving, now_ms) + windows[place] - now_ms);
			END IF;
		END LOOP;
		wait_seconds := greatest(1, ceil(wait_ms / 1000.0));
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
-- The statement that calls it writes the rows; until its transaction ends, no other reserves for these callers
-- and creators. Locks are taken in one order, so that concurrent calls do not deadlock.
CREATE FUNCTION "admit_reservations"(batch json)
RETURNS TABLE ("id" text, "outcome" text, "amount" bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	item record;
	holder record;
	units record;
	used jsonb := '{}';
	used_seconds bigint;
	last_requester text;
	last_key text;
BEGIN
	PERFORM pg_advisory_xact_lock(keys."lock") FROM (
		SELECT DISTINCT hashtextextended("rate_key", 7204) AS "lock"
		FROM json_to_recordset(batch) AS entry ("rate_key" text) WHERE "rate_key" IS NOT NULL ORDER BY 1
	) AS keys;
	PERFORM pg_advisory_xact_lock(720402, creators."lock") FROM (
		SELECT DISTINCT hashtext("creator") AS "lock"
		FROM json_to_recordset(batch) AS entry ("creator" text, "quota_seconds" bigint)
		WHERE "quota_seconds" IS NOT NULL ORDER BY 1
	) AS creators;
	FOR item IN
		SELECT * FROM json_to_recordset(batch) AS entry (
			"id" text, "creator" text, "requested_by" text, "idempotency_key" text, "max_duration_seconds" integer,
			"keys_valid_since" timestamptz, "quota_seconds" bigint,
			"rate_key" text, "limits" integer[], "windows" bigint[], "step_ms" bigint, "now_ms" bigint
		) ORDER BY "requested_by", "idempotency_key"
	LOOP
		"id" := item."id";
		"amount" := NULL;
		IF item."idempotency_key" IS NOT NULL THEN
			SELECT "uid", "created_at" INTO holder FROM "uploads"
			WHERE "requested_by" = item."requested_by" AND "idempotency_key" = item."idempotency_key";
			IF (FOUND AND (holder."uid" IS NULL OR holder."created_at" >= item."keys_valid_since"))
				OR (item."requested_by" = last_requester AND item."idempotency_key" = last_key) THEN
				"outcome" := 'key-in-use';
				RETURN NEXT;
				CONTINUE;
			END IF;
			IF FOUND THEN
				UPDATE "uploads" SET "idempotency_key" = NULL
				WHERE "requested_by" = item."requested_by" AND "idempotency_key" = item."idempotency_key"
					AND "uid" IS NOT NULL AND "created_at" < item."keys_valid_since";
			END IF;
		END IF;
		IF item."rate_key" IS NOT NULL THEN
			SELECT * INTO units
			FROM "consume_rate_limit"(item."rate_key", item."now_ms", item."limits", item."windows", item."step_ms", 1);
			IF units.consumed = 0 THEN
				"outcome" := 'rate-limited';
				"amount" := units.wait_seconds;
				RETURN NEXT;
				CONTINUE;
			END IF;
		END IF;
		IF item."quota_seconds" IS NOT NULL THEN
			used_seconds := (used ->> item."creator")::bigint;
			IF used_seconds IS NULL THEN
				SELECT coalesce(sum("reserved_seconds" + "stored_seconds"), 0) INTO used_seconds
				FROM "upload_counts" WHERE "creator" = item."creator";
			END IF;
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
END
$$;
--> statement-breakpoint
-- Bodies of the webhooks stored for this uid, oldest first. A webhook that is stored concurrently is either
-- among them, or waits until the transaction ends and then finds the upload that it recorded.
CREATE FUNCTION "webhooks_stored_for"(the_uid text) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(720405, hashtext(the_uid));
	RETURN (SELECT array_agg("body" ORDER BY "received_at") FROM "kept_notices" WHERE "uid" = the_uid);
END
$$;
