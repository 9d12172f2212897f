CREATE TABLE "allowance_holds" (
	"key" text collate "C" PRIMARY KEY NOT NULL,
	"until" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "allowances" (
	"key" text collate "C" NOT NULL,
	"at" bigint NOT NULL,
	"uses" integer NOT NULL,
	CONSTRAINT "allowances_key_at_pk" PRIMARY KEY("key","at")
);
--> statement-breakpoint
CREATE TABLE "deployments" (
	"one" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"id" text collate "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "kept_notices" (
	"uid" text collate "C" NOT NULL,
	"digest" text collate "C" NOT NULL,
	"body" text collate "C" NOT NULL,
	"received_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "kept_notices_uid_digest_pk" PRIMARY KEY("uid","digest")
);
--> statement-breakpoint
CREATE TABLE "sweeps" (
	"one" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"gateway" text collate "C",
	"until" timestamp (3) with time zone,
	"swept_until" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "upload_events" (
	"upload_id" text collate "C" NOT NULL,
	"version" integer NOT NULL,
	"status" text NOT NULL,
	"source" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "upload_events_upload_id_version_pk" PRIMARY KEY("upload_id","version")
);
--> statement-breakpoint
CREATE TABLE "upload_tallies" (
	"creator" text collate "C" NOT NULL,
	"status" text NOT NULL,
	"protocol" text NOT NULL,
	"uploads" bigint NOT NULL,
	"reserved_seconds" bigint NOT NULL,
	"stored_seconds" bigint NOT NULL,
	CONSTRAINT "upload_tallies_creator_status_protocol_pk" PRIMARY KEY("creator","status","protocol")
);
--> statement-breakpoint
CREATE TABLE "upload_tally_changes" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"creator" text collate "C" NOT NULL,
	"status" text NOT NULL,
	"protocol" text NOT NULL,
	"uploads" bigint NOT NULL,
	"reserved_seconds" bigint NOT NULL,
	"stored_seconds" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "uploads" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"protocol" text NOT NULL,
	"creator" text collate "C" NOT NULL,
	"name" text collate "C",
	"meta" json NOT NULL,
	"max_duration_seconds" integer NOT NULL,
	"max_size_bytes" bigint NOT NULL,
	"allowed_origins" json NOT NULL,
	"require_signed_urls" boolean NOT NULL,
	"scheduled_deletion" timestamp (3) with time zone,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"requested_by" text collate "C" NOT NULL,
	"idempotency_key" text collate "C",
	"fingerprint" text collate "C" NOT NULL,
	"uid" text collate "C",
	"upload_url" text collate "C",
	"status" text NOT NULL,
	"version" integer NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"total_bytes" bigint,
	"received_bytes" bigint,
	"encoding_percent" double precision,
	"failure_code" text collate "C",
	"failure_message" text collate "C",
	"received" boolean NOT NULL,
	"duration_seconds" double precision,
	"width" integer,
	"height" integer,
	"size_bytes" bigint,
	"hls_url" text collate "C",
	"dash_url" text collate "C",
	"thumbnail_url" text collate "C",
	"preview_url" text collate "C",
	"ready_at" timestamp (3) with time zone,
	"described_at" timestamp (3) with time zone,
	"gone_at" timestamp (3) with time zone,
	"reserved_seconds" integer NOT NULL,
	"stored_seconds" integer NOT NULL,
	"check_at" timestamp (3) with time zone,
	"idle_checks" integer NOT NULL,
	"changed_in" "xid8" DEFAULT pg_current_xact_id() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "watch_claims" (
	"uid" text collate "C" PRIMARY KEY NOT NULL,
	"gateway" text collate "C" NOT NULL,
	"until" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "upload_events" ADD CONSTRAINT "upload_events_upload_id_uploads_id_fk" FOREIGN KEY ("upload_id") REFERENCES "uploads"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "allowances_by_age" ON "allowances" USING btree ("at");--> statement-breakpoint
CREATE INDEX "kept_notices_by_age" ON "kept_notices" USING btree ("received_at");--> statement-breakpoint
CREATE INDEX "upload_tally_changes_by_creator" ON "upload_tally_changes" USING btree ("creator");--> statement-breakpoint
CREATE UNIQUE INDEX "uploads_uid" ON "uploads" USING btree ("uid");--> statement-breakpoint
CREATE UNIQUE INDEX "uploads_key" ON "uploads" USING btree ("requested_by","idempotency_key") WHERE "uploads"."idempotency_key" is not null;--> statement-breakpoint
CREATE INDEX "uploads_by_creator" ON "uploads" USING btree ("creator","created_at","id");--> statement-breakpoint
CREATE INDEX "uploads_by_age" ON "uploads" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "uploads_due" ON "uploads" USING btree ("check_at") WHERE "uploads"."check_at" is not null;--> statement-breakpoint
CREATE INDEX "uploads_unsettled" ON "uploads" USING btree ("created_at") WHERE "uploads"."status" = 'RESERVED';--> statement-breakpoint
CREATE INDEX "uploads_retired" ON "uploads" USING btree ("created_at") WHERE "uploads"."status" = 'RETIRED';--> statement-breakpoint
CREATE INDEX "uploads_changed" ON "uploads" USING btree ("changed_in") WHERE "uploads"."uid" is not null;