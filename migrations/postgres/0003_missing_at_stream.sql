ALTER TABLE "deployments" ADD COLUMN "account" text collate "C";--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "deleted_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "seen_status" text;--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "missing_checks" integer DEFAULT 0 NOT NULL;