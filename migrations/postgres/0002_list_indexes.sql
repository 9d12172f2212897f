DROP INDEX "uploads_by_creator";--> statement-breakpoint
DROP INDEX "uploads_by_age";--> statement-breakpoint
CREATE INDEX "uploads_by_creator_status" ON "uploads" USING btree ("creator","status","protocol","created_at","id") WHERE "uploads"."uid" is not null;--> statement-breakpoint
CREATE INDEX "uploads_by_status" ON "uploads" USING btree ("status","protocol","created_at","id") WHERE "uploads"."uid" is not null;--> statement-breakpoint
CREATE INDEX "uploads_by_creator" ON "uploads" USING btree ("creator","created_at","id") WHERE "uploads"."uid" is not null;--> statement-breakpoint
CREATE INDEX "uploads_by_age" ON "uploads" USING btree ("created_at","id") WHERE "uploads"."uid" is not null;