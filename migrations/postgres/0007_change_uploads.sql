ALTER TABLE "uploads" ADD COLUMN "settings_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "change_until" timestamp (3) with time zone;