CREATE UNIQUE INDEX "uploads_by_uid" ON "uploads" USING btree ("uid") WHERE "uploads"."uid" is not null;--> statement-breakpoint
DROP INDEX "uploads_uid";