DROP INDEX `uploads_uid`;--> statement-breakpoint
CREATE UNIQUE INDEX `uploads_by_uid` ON `uploads` (`uid`) WHERE "uploads"."uid" is not null;