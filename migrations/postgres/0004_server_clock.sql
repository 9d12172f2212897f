-- Counts one more under the key where each allowance has room (so many of "mosts" in so many
-- milliseconds of "spans") and gives null; else counts nothing, and gives the seconds until there may be
-- room. Callers of one key take their turns. What a crash of the server forgets is less than a second.
CREATE OR REPLACE FUNCTION "take_allowance"(the_key text, now_ms bigint, mosts integer[], spans bigint[], grain_ms bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	wait_ms bigint := 0;
	longest bigint := 0;
	used bigint;
	leaver bigint;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	PERFORM pg_advisory_xact_lock(hashtextextended(the_key, 7204));
	-- The server's clock decides for all gateways; the version before gives its own.
	now_ms := coalesce(now_ms, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint);
	-- A hold that ends later than ten minutes from now was written by a clock that was wrong.
	SELECT max(ceil(extract(epoch FROM "until") * 1000)::bigint - now_ms) INTO wait_ms
	FROM "allowance_holds"
	WHERE "key" = the_key AND ceil(extract(epoch FROM "until") * 1000)::bigint - now_ms <= 600000;
	wait_ms := greatest(wait_ms, 0);
	-- Where the clock was set back, what lies in its future counts as done now.
	WITH future AS (
		DELETE FROM "allowances" WHERE "key" = the_key AND "at" > now_ms + grain_ms RETURNING "uses"
	)
	INSERT INTO "allowances" ("key", "at", "uses")
	SELECT the_key, now_ms, sum("uses") FROM future HAVING count(*) > 0
	ON CONFLICT ("key", "at") DO UPDATE SET "uses" = "allowances"."uses" + excluded."uses";
	FOR place IN 1 .. coalesce(array_length(mosts, 1), 0) LOOP
		longest := greatest(longest, spans[place]);
		SELECT coalesce(sum("uses"), 0) INTO used
		FROM "allowances" WHERE "key" = the_key AND "at" > now_ms - spans[place];
		IF used >= mosts[place] THEN
			-- There is room once enough of the oldest have left the span.
			SELECT "at" INTO leaver FROM (
				SELECT "at", sum("uses") OVER (ORDER BY "at") AS gone
				FROM "allowances" WHERE "key" = the_key AND "at" > now_ms - spans[place]
			) AS passing WHERE used - gone < mosts[place] ORDER BY "at" LIMIT 1;
			wait_ms := greatest(wait_ms, coalesce(leaver, now_ms) + spans[place] - now_ms);
		END IF;
	END LOOP;
	DELETE FROM "allowances" WHERE "key" = the_key AND "at" <= now_ms - longest;
	IF wait_ms > 0 THEN
		RETURN greatest(1, ceil(wait_ms / 1000.0));
	END IF;
	IF longest > 0 THEN
		INSERT INTO "allowances" ("key", "at", "uses")
		-- Rounded up: what is counted together leaves with the last of it.
		VALUES (the_key, (now_ms + grain_ms - 1) / grain_ms * grain_ms, 1)
		ON CONFLICT ("key", "at") DO UPDATE SET "uses" = "allowances"."uses" + 1;
	END IF;
	RETURN NULL;
END
$$;
