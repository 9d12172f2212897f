DROP INDEX "uploads_by_creator";--> statement-breakpoint
DROP INDEX "uploads_by_age";--> statement-breakpoint
CREATE INDEX "uploads_listed_by_creator" ON "uploads" USING btree ("creator","created_at","id") WHERE "uploads"."uid" is not null and "uploads"."status" <> 'DELETED';--> statement-breakpoint
CREATE INDEX "uploads_listed_by_age" ON "uploads" USING btree ("created_at","id") WHERE "uploads"."uid" is not null and "uploads"."status" <> 'DELETED';