CREATE TABLE "callback_deliveries" (
	"upload_id" text collate "C" NOT NULL,
	"target" text collate "C" NOT NULL,
	"version" integer NOT NULL,
	"event_id" text collate "C" NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"state" text NOT NULL,
	"attempts" integer NOT NULL,
	"due_at" timestamp (3) with time zone,
	"last_status" integer,
	"last_error" text collate "C",
	"done_at" timestamp (3) with time zone,
	CONSTRAINT "callback_deliveries_upload_id_target_version_pk" PRIMARY KEY("upload_id","target","version")
);
--> statement-breakpoint
CREATE TABLE "callback_events" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"upload_id" text collate "C" NOT NULL,
	"version" integer NOT NULL,
	"type" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"body" text collate "C" NOT NULL
);
--> statement-breakpoint
CREATE INDEX "callback_deliveries_due" ON "callback_deliveries" USING btree ("target","due_at") WHERE "callback_deliveries"."due_at" is not null;--> statement-breakpoint
CREATE INDEX "callback_deliveries_waiting" ON "callback_deliveries" USING btree ("target","at") WHERE "callback_deliveries"."state" = 'waiting';--> statement-breakpoint
CREATE INDEX "callback_deliveries_dead" ON "callback_deliveries" USING btree ("target") WHERE "callback_deliveries"."state" = 'dead';--> statement-breakpoint
CREATE INDEX "callback_deliveries_done" ON "callback_deliveries" USING btree ("state","done_at") WHERE "callback_deliveries"."done_at" is not null;
--> statement-breakpoint
-- Makes the oldest waiting delivery of an upload to a target due, unless one is due already. Waiting ones are found by
-- "done_at": by "state", a plan without statistics would read all that waits for the target.
CREATE FUNCTION "promote_delivery"(of_upload text, to_target text, at_time timestamptz) RETURNS void
LANGUAGE sql AS $$
	UPDATE "callback_deliveries" SET "due_at" = at_time
	WHERE "upload_id" = of_upload AND "target" = to_target AND "version" = (
		SELECT min("version") FROM "callback_deliveries"
		WHERE "upload_id" = of_upload AND "target" = to_target AND "done_at" IS NULL
	) AND (
		-- A count, so that no plan looks for a due one among all of the target.
		SELECT count("due_at") FROM "callback_deliveries"
		WHERE "upload_id" = of_upload AND "target" = to_target AND "done_at" IS NULL
	) = 0
$$;
--> statement-breakpoint
-- Records the results of claimed deliveries, each a JSON object. A change that is recorded at the same time locks the
-- last waiting delivery of its upload, so that either sees what the other wrote. Locks are taken in one order.
CREATE FUNCTION "record_delivery_results"(results json, at_time timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	result record;
BEGIN
	FOR result IN
		SELECT * FROM json_to_recordset(results) AS given (
			"upload_id" text, "target" text, "version" integer, "lease" timestamptz, "state" text,
			"due_in_ms" float8, "is_attempt" boolean, "status" integer, "error" text
		) ORDER BY "upload_id" COLLATE "C", "target" COLLATE "C", "version"
	LOOP
		UPDATE "callback_deliveries" SET
			"state" = result."state",
			"due_at" = at_time + result."due_in_ms" * interval '1 millisecond',
			"done_at" = CASE WHEN result."state" = 'waiting' THEN NULL ELSE at_time END,
			"attempts" = "attempts" + result."is_attempt"::integer,
			"last_status" = CASE WHEN result."is_attempt" THEN result."status" ELSE "last_status" END,
			"last_error" = CASE WHEN result."is_attempt" THEN result."error" ELSE "last_error" END
		WHERE "upload_id" = result."upload_id" AND "target" = result."target"
			AND "version" = result."version" AND "due_at" = result."lease";
		IF FOUND AND result."state" <> 'waiting' THEN
			PERFORM "promote_delivery"(result."upload_id", result."target", at_time);
		END IF;
	END LOOP;
END
$$;
--> statement-breakpoint
-- Makes deliveries wait again: those of an event, dead letters, or those of events since a time. Returns their number.
CREATE FUNCTION "replay_deliveries"(
	of_event text, only_dead boolean, since timestamptz, done_until timestamptz, at_time timestamptz, step integer
) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
	done record;
	replayed integer := 0;
BEGIN
	FOR done IN
		SELECT "upload_id", "target", "version" FROM "callback_deliveries"
		WHERE "state" IN ('delivered', 'dead') AND "done_at" <= done_until
			AND (of_event IS NULL OR "event_id" = of_event)
			AND (NOT only_dead OR "state" = 'dead')
			AND (since IS NULL OR "at" >= since)
		ORDER BY "upload_id", "target", "version" LIMIT step FOR UPDATE SKIP LOCKED
	LOOP
		-- Waits for results that are being recorded, of those that wait.
		PERFORM FROM "callback_deliveries"
		WHERE "upload_id" = done."upload_id" AND "target" = done."target" AND "done_at" IS NULL
		ORDER BY "version" FOR UPDATE;
		UPDATE "callback_deliveries" SET "state" = 'waiting', "attempts" = 0, "done_at" = NULL
		WHERE "upload_id" = done."upload_id" AND "target" = done."target" AND "version" = done."version";
		PERFORM "promote_delivery"(done."upload_id", done."target", at_time);
		replayed := replayed + 1;
	END LOOP;
	RETURN replayed;
END
$$;
--> statement-breakpoint
-- Turns deliveries that wait for too long into dead letters, and deletes old ones with their events. Returns the larger
-- number. Does nothing while another gateway does it.
CREATE FUNCTION "delete_old_deliveries"(
	waiting_before timestamptz, delivered_before timestamptz, dead_before timestamptz, at_time timestamptz, step integer
) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
	expired record;
	expired_count integer := 0;
	deleted text[];
BEGIN
	IF NOT pg_try_advisory_xact_lock(720407) THEN
		RETURN 0;
	END IF;
	FOR expired IN
		SELECT "upload_id", "target", "version" FROM "callback_deliveries"
		WHERE "state" = 'waiting' AND "at" < waiting_before
		ORDER BY "upload_id", "target", "version" LIMIT step FOR UPDATE SKIP LOCKED
	LOOP
		UPDATE "callback_deliveries" SET "state" = 'dead', "due_at" = NULL, "done_at" = at_time
		WHERE "upload_id" = expired."upload_id" AND "target" = expired."target" AND "version" = expired."version";
		PERFORM "promote_delivery"(expired."upload_id", expired."target", at_time);
		expired_count := expired_count + 1;
	END LOOP;
	WITH old AS (
		(SELECT ctid FROM "callback_deliveries" WHERE "state" = 'delivered' AND "done_at" < delivered_before LIMIT step)
		UNION ALL
		(SELECT ctid FROM "callback_deliveries" WHERE "state" = 'dead' AND "done_at" < dead_before LIMIT step)
		LIMIT step
	), gone AS (
		DELETE FROM "callback_deliveries" WHERE ctid = ANY (ARRAY(SELECT ctid FROM old))
			AND "done_at" < greatest(delivered_before, dead_before)
		RETURNING "event_id"
	) SELECT array_agg("event_id") INTO deleted FROM gone;
	DELETE FROM "callback_events" AS event WHERE event."id" = ANY (deleted) AND NOT EXISTS (
		SELECT FROM "callback_deliveries" WHERE "upload_id" = event."upload_id" AND "version" = event."version"
	);
	RETURN greatest(expired_count, coalesce(cardinality(deleted), 0));
END
$$;
