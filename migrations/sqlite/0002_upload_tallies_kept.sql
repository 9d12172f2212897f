-- The tallies are kept by triggers, so that whoever writes uploads keeps them true: also the version
-- before, where it still runs on this file. The empty name stands for all creators together.
CREATE TRIGGER `upload_added` AFTER INSERT ON `uploads` BEGIN
	INSERT INTO `upload_tallies` (`creator`, `status`, `protocol`, `uploads`, `reserved_seconds`, `stored_seconds`)
	VALUES
		(new.`creator`, new.`status`, new.`protocol`, 1, new.`reserved_seconds`, new.`stored_seconds`),
		('', new.`status`, new.`protocol`, 1, new.`reserved_seconds`, new.`stored_seconds`)
	ON CONFLICT (`creator`, `status`, `protocol`) DO UPDATE SET
		`uploads` = `uploads` + 1,
		`reserved_seconds` = `reserved_seconds` + excluded.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` + excluded.`stored_seconds`;
END;
--> statement-breakpoint
CREATE TRIGGER `upload_changed`
AFTER UPDATE OF `creator`, `status`, `protocol`, `reserved_seconds`, `stored_seconds` ON `uploads`
WHEN old.`status` <> new.`status`
	OR old.`reserved_seconds` <> new.`reserved_seconds`
	OR old.`stored_seconds` <> new.`stored_seconds`
	OR old.`creator` <> new.`creator`
	OR old.`protocol` <> new.`protocol`
BEGIN
	UPDATE `upload_tallies` SET
		`uploads` = `uploads` - 1,
		`reserved_seconds` = `reserved_seconds` - old.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` - old.`stored_seconds`
	WHERE `creator` IN (old.`creator`, '') AND `status` = old.`status` AND `protocol` = old.`protocol`;
	INSERT INTO `upload_tallies` (`creator`, `status`, `protocol`, `uploads`, `reserved_seconds`, `stored_seconds`)
	VALUES
		(new.`creator`, new.`status`, new.`protocol`, 1, new.`reserved_seconds`, new.`stored_seconds`),
		('', new.`status`, new.`protocol`, 1, new.`reserved_seconds`, new.`stored_seconds`)
	ON CONFLICT (`creator`, `status`, `protocol`) DO UPDATE SET
		`uploads` = `uploads` + 1,
		`reserved_seconds` = `reserved_seconds` + excluded.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` + excluded.`stored_seconds`;
END;
--> statement-breakpoint
CREATE TRIGGER `upload_removed` AFTER DELETE ON `uploads` BEGIN
	UPDATE `upload_tallies` SET
		`uploads` = `uploads` - 1,
		`reserved_seconds` = `reserved_seconds` - old.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` - old.`stored_seconds`
	WHERE `creator` IN (old.`creator`, '') AND `status` = old.`status` AND `protocol` = old.`protocol`;
END;
--> statement-breakpoint
INSERT INTO `upload_tallies` (`creator`, `status`, `protocol`, `uploads`, `reserved_seconds`, `stored_seconds`)
SELECT `creator`, `status`, `protocol`, count(*), sum(`reserved_seconds`), sum(`stored_seconds`)
FROM `uploads` GROUP BY `creator`, `status`, `protocol`;
--> statement-breakpoint
INSERT INTO `upload_tallies` (`creator`, `status`, `protocol`, `uploads`, `reserved_seconds`, `stored_seconds`)
SELECT '', `status`, `protocol`, sum(`uploads`), sum(`reserved_seconds`), sum(`stored_seconds`)
FROM `upload_tallies` GROUP BY `status`, `protocol`;
