-- Written by hand. A row without a uid counts its seconds as PENDING_UPLOAD, and not as an upload. Minting it then
-- changes two totals instead of four, of which two may be new.
DROP TRIGGER `upload_added`;
--> statement-breakpoint
DROP TRIGGER `upload_changed`;
--> statement-breakpoint
DROP TRIGGER `upload_removed`;
--> statement-breakpoint
INSERT INTO `upload_tallies` (`creator`, `status`, `protocol`, `uploads`, `reserved_seconds`, `stored_seconds`)
SELECT `creator`, 'PENDING_UPLOAD', `protocol`, 0, sum(`reserved_seconds`), sum(`stored_seconds`)
FROM `upload_tallies` WHERE `status` IN ('RESERVED', 'RETIRED') GROUP BY `creator`, `protocol`
ON CONFLICT (`creator`, `status`, `protocol`) DO UPDATE SET
	`reserved_seconds` = `reserved_seconds` + excluded.`reserved_seconds`,
	`stored_seconds` = `stored_seconds` + excluded.`stored_seconds`;
--> statement-breakpoint
DELETE FROM `upload_tallies` WHERE `status` IN ('RESERVED', 'RETIRED');
--> statement-breakpoint
CREATE TRIGGER `upload_added` AFTER INSERT ON `uploads` BEGIN
	INSERT INTO `upload_tallies` (`creator`, `status`, `protocol`, `uploads`, `reserved_seconds`, `stored_seconds`)
	VALUES
		(new.`creator`, iif(new.`uid` IS NULL, 'PENDING_UPLOAD', new.`status`), new.`protocol`, new.`uid` IS NOT NULL, new.`reserved_seconds`, new.`stored_seconds`),
		('', iif(new.`uid` IS NULL, 'PENDING_UPLOAD', new.`status`), new.`protocol`, new.`uid` IS NOT NULL, new.`reserved_seconds`, new.`stored_seconds`)
	ON CONFLICT (`creator`, `status`, `protocol`) DO UPDATE SET
		`uploads` = `uploads` + excluded.`uploads`,
		`reserved_seconds` = `reserved_seconds` + excluded.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` + excluded.`stored_seconds`;
END;
--> statement-breakpoint
-- The row is counted by the same totals as before.
CREATE TRIGGER `upload_changed` AFTER UPDATE OF `uid`, `status`, `reserved_seconds`, `stored_seconds` ON `uploads`
WHEN iif(old.`uid` IS NULL, 'PENDING_UPLOAD', old.`status`) = iif(new.`uid` IS NULL, 'PENDING_UPLOAD', new.`status`)
	AND old.`creator` = new.`creator`
	AND old.`protocol` = new.`protocol`
	AND (old.`reserved_seconds` <> new.`reserved_seconds`
		OR old.`stored_seconds` <> new.`stored_seconds`
		OR (old.`uid` IS NULL) <> (new.`uid` IS NULL))
BEGIN
	UPDATE `upload_tallies` SET
		`uploads` = `uploads` + (new.`uid` IS NOT NULL) - (old.`uid` IS NOT NULL),
		`reserved_seconds` = `reserved_seconds` + new.`reserved_seconds` - old.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` + new.`stored_seconds` - old.`stored_seconds`
	WHERE `creator` = new.`creator` AND `status` = iif(new.`uid` IS NULL, 'PENDING_UPLOAD', new.`status`) AND `protocol` = new.`protocol`;
	UPDATE `upload_tallies` SET
		`uploads` = `uploads` + (new.`uid` IS NOT NULL) - (old.`uid` IS NOT NULL),
		`reserved_seconds` = `reserved_seconds` + new.`reserved_seconds` - old.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` + new.`stored_seconds` - old.`stored_seconds`
	WHERE `creator` = '' AND `status` = iif(new.`uid` IS NULL, 'PENDING_UPLOAD', new.`status`) AND `protocol` = new.`protocol`;
END;
--> statement-breakpoint
-- The row is counted by other totals than before.
CREATE TRIGGER `upload_moved` AFTER UPDATE OF `creator`, `uid`, `status`, `protocol` ON `uploads`
WHEN iif(old.`uid` IS NULL, 'PENDING_UPLOAD', old.`status`) <> iif(new.`uid` IS NULL, 'PENDING_UPLOAD', new.`status`)
	OR old.`creator` <> new.`creator`
	OR old.`protocol` <> new.`protocol`
BEGIN
	UPDATE `upload_tallies` SET
		`uploads` = `uploads` - (old.`uid` IS NOT NULL),
		`reserved_seconds` = `reserved_seconds` - old.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` - old.`stored_seconds`
	WHERE `creator` IN (old.`creator`, '') AND `status` = iif(old.`uid` IS NULL, 'PENDING_UPLOAD', old.`status`) AND `protocol` = old.`protocol`;
	INSERT INTO `upload_tallies` (`creator`, `status`, `protocol`, `uploads`, `reserved_seconds`, `stored_seconds`)
	VALUES
		(new.`creator`, iif(new.`uid` IS NULL, 'PENDING_UPLOAD', new.`status`), new.`protocol`, new.`uid` IS NOT NULL, new.`reserved_seconds`, new.`stored_seconds`),
		('', iif(new.`uid` IS NULL, 'PENDING_UPLOAD', new.`status`), new.`protocol`, new.`uid` IS NOT NULL, new.`reserved_seconds`, new.`stored_seconds`)
	ON CONFLICT (`creator`, `status`, `protocol`) DO UPDATE SET
		`uploads` = `uploads` + excluded.`uploads`,
		`reserved_seconds` = `reserved_seconds` + excluded.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` + excluded.`stored_seconds`;
END;
--> statement-breakpoint
CREATE TRIGGER `upload_removed` AFTER DELETE ON `uploads` BEGIN
	UPDATE `upload_tallies` SET
		`uploads` = `uploads` - (old.`uid` IS NOT NULL),
		`reserved_seconds` = `reserved_seconds` - old.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` - old.`stored_seconds`
	WHERE `creator` IN (old.`creator`, '') AND `status` = iif(old.`uid` IS NULL, 'PENDING_UPLOAD', old.`status`) AND `protocol` = old.`protocol`;
END;
