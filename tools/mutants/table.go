package main

// A mutant is one change that breaks a rule. old is replaced by new, and must be in the file just
// once.
type mutant struct {
	rule, what string
	file       string
	old, new   string
	test       string // that must notice; "": the model
	seed       int    // of the model; 0: 1
	tests      string // a file of its package; "": file
}

const publish = "uploader/publish/"

var mutants = []mutant{
	{
		rule: "R1", what: "a chunk that is being written counts as whole when a manifest names it",
		file: publish + "chunk.go", old: "d.state = diskOpen\n\t}\n}\n\n// hasOther", new: "d.state, d.version = diskWhole, v\n\t}\n}\n\n// hasOther",
	},
	{
		rule: "R1", what: "a chunk that was changed in flight is confirmed",
		file: publish + "failure.go", old: "case r.FileFailure == FileChanged:", new: "case r.FileFailure == FileChanged && r.Task == PutChunk:\n\t\tf.confirm(f.disk.version, byUpload, now)\n\tcase r.FileFailure == FileChanged:",
	},
	{
		rule: "R1", what: "what changed while it was read is sent to its end",
		file: "uploader/chunkbody.go", old: "n, err = 0, changed", new: "n, err = n, err",
		test: "TestR1NoObjectHasAPartOfEachContent",
	},
	{
		rule: "R1", what: "the kernel sends a file that has changed",
		file: "uploader/chunkbody.go", old: "if unchanged(b.file, b.version) != nil {", new: "if b.file == nil {",
		test: "TestR1KernelSendsNothingOfALaterVersion",
	},
	{
		rule: "R1", what: "a file that a process writes counts as closed",
		file: "watcher/closed.go", old: "return open, t.busyWait(e, now)", new: "return closed, 0",
		test: "TestR1FileIsClosedOnlyWhenNoProcessWritesIt",
	},
	{
		rule: "R1", what: "what was written over a chunk in place is sent as that chunk",
		file: "uploader/listrunnaming.go", old: "(kept.Equal(v) || kept.Inode == v.Inode && v.Inode != 0)", new: "kept.Size < 0",
		test: "TestR1NoChunkOfARunHasTheContentOfAnother",
	},
	{
		rule: "R1", what: "after a start, what was written over a chunk in place is sent as that chunk",
		file: "uploader/spool/scan.go", old: "case !os.SameFile(named, fi), s.Fresh && !isOwnName:", new: "case !os.SameFile(named, fi):",
		test: "TestR1NoChunkOfARunHasTheContentOfAnother", tests: "uploader/listruns.go",
	},
	{
		rule: "R2", what: "a name that has come back goes on in its run",
		file: "uploader/listruns.go", old: "returned = returned || used || listed && had == l.run", new: "_ = used && listed && had == l.run",
		test: "TestNamesThatComeBackWithinARunAreNotReplaced",
	},
	{
		rule: "R7", what: "each start of the daemon begins another run",
		file: "uploader/listruninquiry.go", old: "found.same, err = src.isInBucket(ctx, shared[i])", new: "found.same = false",
		test: "TestR7RestartInTheMiddleOfARunKeepsItsName",
	},
	{
		rule: "R2", what: "a manifest does not wait for what it names",
		file: publish + "snapshot.go", old: "from := s.goesWithout(f)\n\t\treturn !from.IsZero() && !now.Before(from)", new: "return true",
	},
	{
		rule: "R2", what: "new content under a shown name does not wait for caches",
		file: publish + "snapshot.go", old: "return !now.Before(f.bucket.freshAt)", new: "return true",
	},
	{
		rule: "R2", what: "new content is sent while a manifest in flight names the old one",
		file: publish + "snapshot.go", old: "if !f.bucket.other {\n\t\treturn false", new: "if true {\n\t\treturn false",
	},
	{
		rule: "R2", what: "a manifest of the run before is not stale",
		file: publish + "runs.go", old: "if i < s.others && s.isOutlivedBy(f) {", new: "if false {",
	},
	{
		rule: "R2", what: "what a manifest of an earlier run names is deleted",
		file: publish + "survey.go", old: "dirs := r.unsurveyed(f.path)", new: "dirs := r.unsurveyed(f.path)[:0]",
	},
	{
		rule: "R3", what: "older snapshots stay when a newer one is sent",
		file: publish + "order.go", old: "for m.waiting[0] != s {\n\t\tm.drop()\n\t}", new: "for i, w := range m.waiting {\n\t\tif w == s {\n\t\t\tm.waiting[0], m.waiting[i] = s, m.waiting[0]\n\t\t}\n\t}",
	},
	{
		rule: "R3", what: "a second PUT of a manifest is started",
		file: publish + "manifest.go", old: "return m.errand.state != noErrand", new: "return false",
	},
	{
		rule: "R3", what: "after a PUT without an answer, the bucket counts as unchanged",
		file: publish + "copy.go", old: "c.trust = max(c.trust, doubtful)", new: "_ = doubtful",
	},
	{
		rule: "R3", what: "the bucket is not asked soon what a PUT without an answer has done",
		file: publish + "copy.go", old: "c.checkAt = c.late.begin(now)", new: "",
	},
	{
		rule: "R3", what: "that one of two requests for a manifest may be applied later is forgotten",
		file: publish + "outcome.go", old: "if r.Late {", new: "if false {",
		test: "TestR3Scenarios", tests: publish + "scenario_test.go",
	},
	{
		rule: "R3", what: "a playlist does not say what it replaces",
		file: "uploader/s3store/replace.go", old: "etag := *o.Replaces\n\treturn &etag", new: "return nil",
		test: "TestR3OvertakenRequestReplacesNothingNewer",
	},
	{
		rule: "R3", what: "a master playlist says what it replaces, and may return to it",
		file: publish + "copy.go", old: "if s.parsed.Segments == 0 {", new: "if false {",
		test: "TestR3PUTOfAPlaylistSaysWhatItReplaces",
	},
	{
		rule: "R2", what: "a list of which nothing is left repeats names that returned",
		file: publish + "manifest.go", old: "if m.isForgone(s, now) || s.repeatsReturned() {", new: "if m.isForgone(s, now) {",
		test: "TestR2ReturningNameScenarios",
	},
	{
		rule: "R3", what: "a manifest's request that loses a race is left alone",
		file: "uploader/s3store/race.go", old: "settles := r.Settles() && !replaces", new: "settles := false",
		test: "TestR3BothAnswersAreWaitedForWhereALateRequestDoesHarm",
	},
	{
		rule: "R3", what: "a new run goes on from what was published, and not from what players may have",
		file: publish + "order.go", old: "m.line.show(s)", new: "if m.published != nil {\n\t\t\tm.line.show(m.published)\n\t\t}",
	},
	{
		rule: "R3", what: "what players have is not read from the bucket at the start",
		file: publish + "line.go", old: "m.line.shown = have\n}", new: "_ = have\n}",
	},
	{
		rule: "R3", what: "a new run begins with the server's own numbers",
		file: publish + "edition.go", old: "same = had.own && had.run == s.origin.run && had.watched", new: "same = true",
	},
	{
		rule: "R3", what: "a run that waits in another variant does not count",
		file: publish + "grouprun.go", old: "n += g.waitBetween(since, run)", new: "n += 0 * g.waitBetween(since, run)",
		test: "TestR3VariantsAreInStepOverRandomReturns", tests: publish + "returns_test.go",
	},
	{
		rule: "R3", what: "a run that the lists do not have any more is forgotten",
		file: publish + "order.go", old: "m.line.remember()", new: "_ = m.line",
		test: "TestLivePlaylistScenarios",
	},
	{
		rule: "R3", what: "a run of which nothing can arrive takes back the end that viewers have",
		file: publish + "edition.go", old: "join = hls.Same\n", new: "",
		test: "TestR2ReturningNameScenarios",
	},
	{
		rule: "R3", what: "a variant does not wait for what the bucket has of others",
		file: publish + "instep.go", old: "return until, awaits\n}\n\n// askSoon", new: "return until, false\n}\n\n// askSoon",
		test: "TestR3VariantsAreInStepOverRandomReturns", tests: publish + "returns_test.go",
	},
	{
		rule: "R3", what: "a new run is published without a discontinuity",
		file: "hls/next.go", old: "number := max(before+1, s.Discontinuities)", new: "number := max(before, s.Discontinuities)",
		test: "TestR3PublishedPlaylistObeysTheRulesOverRandomReconnects",
	},
	{
		rule: "R3", what: "the discontinuities of segments that left are not counted",
		file: "hls/next.go", old: "before = shown.discontinuity(n.former - 1)", new: "before += 0",
		test: "TestR3PublishedPlaylistObeysTheRulesOverRandomReconnects",
	},
	{
		rule: "R3", what: "the target duration falls with a new run",
		file: "hls/next.go", old: "if shown.TargetDuration > p.TargetDuration {", new: "if false {",
		test: "TestR3PublishedPlaylistObeysTheRulesOverRandomReconnects",
	},
	{
		rule: "R3", what: "a segment with another number is decrypted with that one",
		file: "hls/next.go", old: "renumbered := p.Offset != 0 &&", new: "renumbered := false &&",
		test: "TestR3PublishedPlaylistObeysTheRulesOverRandomReconnects",
	},
	{
		rule: "R4", what: "the oldest publishable snapshot wins",
		file: publish + "newest.go", old: "for i := len(m.waiting) - 1; i >= 0; i-- {\n\t\tif m", new: "for i := range m.waiting {\n\t\tif m",
	},
	{
		rule: "R4", what: "what a run has ended with is dropped when the next one may be sent",
		file: publish + "runs.go", old: "if newest.mayGoOn() {\n\t\tfor i, w", new: "if false {\n\t\tfor i, w",
		seed: 3,
	},
	{
		rule: "R4", what: "manifests of another directory are not looked at when a chunk has arrived",
		file: publish + "agenda.go", old: "s.agenda.reconsider(m.file.stream)", new: "_ = m",
	},
	{
		rule: "R4", what: "the end of a pause wakes no one",
		file: publish + "stream.go", old: "at = earlier(at, f.work.pause.until)", new: "_ = f",
	},
	{
		rule: "R5", what: "a manifest that EMS deletes is not published any more",
		file: publish + "absent.go", old: "return // what was read of it is still to be published (R5)", new: "f.manifest.waiting, f.manifest.pursued = nil, nil\n\t\treturn",
	},
	{
		rule: "R5", what: "a manifest is deleted before its last snapshot is published",
		file: publish + "retention.go", old: "case m != nil && (len(m.waiting) > 0 ||", new: "case m != nil && (",
	},
	{
		rule: "R5", what: "a snapshot that fails is dropped",
		file: publish + "failure.go", old: "m.errand = errand{}\n", new: "m.errand = errand{}\n\t\tm.drop()\n",
	},
	{
		rule: "R5", what: "an end that waited for the window does not come",
		file: publish + "line.go", old: "m.again()\n\treturn m.publishable(now)", new: "return nil, at",
	},
	{
		rule: "R6", what: "a chunk that EMS deletes before its upload is given up",
		file: publish + "chunk.go", old: "d.state = diskKept\n\t} else {", new: "d.state = diskGone\n\t} else {",
	},
	{
		rule: "R6", what: "a chunk whose upload failed is not sent again",
		file: publish + "failure.go", old: "case r.wanted():\n\t\tr.file.stream.enqueue(r.file)", new: "case r.Task != PutChunk && r.wanted():\n\t\tr.file.stream.enqueue(r.file)",
	},
	{
		rule: "R6", what: "a chunk is released from the spool when its upload begins",
		file: publish + "next.go", old: "f.work.state = inFlight\n", new: "f.work.state = inFlight\n\t\tf.release(Arrived)\n",
	},
	{
		rule: "R6", what: "the spool links nothing",
		file: "uploader/spool/keep.go", old: "err := s.link(p)", new: "var err error",
		test: "TestR6WhatIsKeptIsFoundAfterARestart",
	},
	{
		rule: "R7", what: "a chunk that is reported again is sent again",
		file: publish + "closed.go", old: "if f.bucket.has(v) {", new: "if false {",
	},
	{
		rule: "R7", what: "a manifest that is read again is sent again",
		file: publish + "manifestread.go", old: "known.sum == s.sum &&", new: "false && known.sum == s.sum &&",
	},
	{
		rule: "R7", what: "files of an earlier run are not compared",
		file: publish + "catchup.go", old: "return at.Before(s.settings.Began) ||", new: "return",
	},
	{
		rule: "R8", what: "what is uploaded stays in the spool",
		file: publish + "file.go", old: "f.src.release(f.path, v, Arrived)", new: "_ = v",
	},
	{
		rule: "R8", what: "what was given up is asked for once more",
		file: publish + "job.go", old: "if f.bucket.isLost() {", new: "if false {",
	},
	{
		rule: "R8", what: "any number of snapshots wait",
		file: publish + "newest.go", old: "(len(m.waiting) > maxWaiting || size > maxWaitingBytes)", new: "false",
		test: "TestR8SnapshotsThatWaitAreBounded",
	},
	{
		rule: "R8", what: "more jobs are in flight than there are workers",
		file: publish + "next.go", old: "return s.pools.inFlight[pool] < s.pools.workers[pool]", new: "return true",
		test: "TestR8Scenarios",
	},
	{
		rule: "R9", what: "a stream whose requests fail keeps its workers",
		file: publish + "next.go", old: "share = 1\n", new: "_ = share\n",
		test: "TestR9Scenarios",
	},
	{
		rule: "R9", what: "a stream may have all workers",
		file: publish + "next.go", old: "w.size)/4)", new: "w.size))",
		test: "TestR9Scenarios",
	},
	{
		rule: "R9", what: "a directory with many streams has many turns",
		file: publish + "turns.go", old: "ticket = max(ticket, last+1)", new: "_ = last",
		test: "TestR9ManyStreamsOfOneDirectoryTakeTheTurnsOfOne",
	},
	{
		rule: "R9", what: "a file system that does not answer keeps its workers",
		file: publish + "stuck.go", old: "s.giveBackWorker(f.stream)", new: "_ = f",
		test: "TestR9Scenarios",
	},
	{
		rule: "R10", what: "a lost chunk is not counted",
		file: publish + "lost.go", old: "s.figures.lost++\n\ts.step(f, StageLost).Why = why", new: "s.step(f, StageLost).Why = why",
		test: "TestR10Scenarios",
	},
	{
		rule: "R10", what: "a failed upload is not logged",
		file: publish + "failure.go", old: "s.effects.Notes = append(s.effects.Notes, n)", new: "_ = n",
		test: "TestR10Scenarios",
	},
	{
		rule: "R10", what: "the first failure is not logged",
		file: "internal/trouble/trouble.go", old: "if r.failed(r, r.identify(f.Kind, at), f, at.Stream, attrs) {", new: "if !r.failed(r, r.identify(f.Kind, at), f, at.Stream, attrs) {",
		test: "TestR10EachFailureIsOneLineAndRepeatsAreSummedUp",
	},
}
