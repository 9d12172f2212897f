-- Who recorded the newest version, so that whoever missed a notice finds what changed since.
CREATE FUNCTION "note_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	new."changed_in" := pg_current_xact_id();
	RETURN new;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "upload_noted" BEFORE UPDATE OF "version" ON "uploads"
FOR EACH ROW EXECUTE FUNCTION "note_change"();
--> statement-breakpoint
-- Tallies are kept by triggers, so that whoever writes uploads keeps them true: also the version
-- before, where it still runs. What changes is only noted here, each time in rows of its own.
CREATE FUNCTION "tally_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF tg_op <> 'INSERT' THEN
		INSERT INTO "upload_tally_changes" ("creator", "status", "protocol", "uploads", "reserved_seconds", "stored_seconds")
		VALUES (old."creator", old."status", old."protocol", -1, -old."reserved_seconds", -old."stored_seconds");
	END IF;
	IF tg_op <> 'DELETE' THEN
		INSERT INTO "upload_tally_changes" ("creator", "status", "protocol", "uploads", "reserved_seconds", "stored_seconds")
		VALUES (new."creator", new."status", new."protocol", 1, new."reserved_seconds", new."stored_seconds");
	END IF;
	RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "upload_added" AFTER INSERT ON "uploads"
FOR EACH ROW EXECUTE FUNCTION "tally_change"();
--> statement-breakpoint
CREATE TRIGGER "upload_removed" AFTER DELETE ON "uploads"
FOR EACH ROW EXECUTE FUNCTION "tally_change"();
--> statement-breakpoint
CREATE TRIGGER "upload_changed" AFTER UPDATE ON "uploads"
FOR EACH ROW WHEN (
	(old."creator", old."status", old."protocol", old."reserved_seconds", old."stored_seconds")
	IS DISTINCT FROM
	(new."creator", new."status", new."protocol", new."reserved_seconds", new."stored_seconds")
) EXECUTE FUNCTION "tally_change"();
--> statement-breakpoint
-- The empty name stands for all creators together. It is said to be text: PostgreSQL would otherwise
-- read all of this before it looks for one creator in it.
CREATE VIEW "upload_counts" AS
SELECT "creator", "status", "protocol", "uploads", "reserved_seconds", "stored_seconds" FROM "upload_tallies"
UNION ALL
SELECT "creator", "status", "protocol", "uploads", "reserved_seconds", "stored_seconds" FROM "upload_tally_changes"
UNION ALL
SELECT ''::text COLLATE "C", "status", "protocol", "uploads", "reserved_seconds", "stored_seconds" FROM "upload_tally_changes";
--> statement-breakpoint
-- Counts one more under the key where each allowance has room (so many of "mosts" in so many
-- milliseconds of "spans") and gives null; else counts nothing, and gives the seconds until there may be
-- room. Callers of one key take their turns. What a crash of the server forgets is less than a second.
CREATE FUNCTION "take_allowance"(the_key text, now_ms bigint, mosts integer[], spans bigint[], grain_ms bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	wait_ms bigint := 0;
	longest bigint := 0;
	used bigint;
	leaver bigint;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	PERFORM pg_advisory_xact_lock(hashtextextended(the_key, 7204));
	SELECT max(ceil(extract(epoch FROM "until") * 1000)::bigint - now_ms) INTO wait_ms
	FROM "allowance_holds" WHERE "key" = the_key;
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
