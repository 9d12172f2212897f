ALTER TABLE `uploads` ADD `token_id` text;--> statement-breakpoint
CREATE INDEX `uploads_by_token` ON `uploads` (`token_id`) WHERE "uploads"."token_id" is not null;