// Prints what other parsers read in the manifests that are named as arguments, one JSON object for
// each file and parser: media segments, and the other files. URIs are absolute, below http://host/.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import HLS from 'hls-parser';
import { Parser } from 'm3u8-parser';
import { parse as parseMPD } from 'mpd-parser';

const base = 'http://host/a/b/c/';
const absolute = (uri) => new URL(uri, base).href;

function report(file, parser, found) {
  const unique = (uris) => [...new Set(uris.filter(Boolean).map(absolute))].filter((uri) => uri.startsWith('http://host/')).sort();
  const { segments, others } = found;
  console.log(JSON.stringify({ file: basename(file), parser, ...found, segments: unique(segments), others: unique(others) }));
}

function m3u8Parser(text) {
  const p = new Parser({ uri: base });
  p.push(text);
  p.end();
  const m = p.manifest;
  const groups = Object.values(m.mediaGroups ?? {}).flatMap((g) => Object.values(g)).flatMap((g) => Object.values(g));
  const set = (m.playlists?.length ?? 0) > 0;
  const segments = m.segments ?? [];
  const parts = [...segments, m.preloadSegment ?? {}].flatMap((s) => s.parts ?? []);
  return {
    set,
    sequence: set ? 0 : m.mediaSequence,
    ended: Boolean(m.endList),
    segments: [...segments, ...parts].map((s) => s.uri),
    others: [
      ...(m.playlists ?? []).map((v) => v.uri), ...groups.map((g) => g.uri), ...(m.iFramePlaylists ?? []).map((v) => v.uri),
      m.contentSteering?.serverUri, ...segments.flatMap((s) => [s.key?.uri, s.map?.uri]),
    ],
  };
}

function hlsParser(text) {
  const m = HLS.parse(text);
  if (m.isMasterPlaylist) {
    const renditions = m.variants.flatMap((v) => [...v.audio, ...v.video, ...v.subtitles]);
    return {
      set: true,
      sequence: 0,
      ended: false,
      segments: [],
      others: [
        ...m.variants.map((v) => v.uri), ...renditions.map((r) => r.uri),
        ...m.sessionKeyList.map((k) => k.uri), ...m.sessionDataList.map((d) => d.uri),
      ],
    };
  }
  const parts = m.segments.flatMap((s) => s.parts ?? []).filter((part) => !part.hint && !part.gap);
  return {
    set: false,
    sequence: m.mediaSequenceBase,
    ended: Boolean(m.endlist),
    segments: [...m.segments.filter((s) => !s.gap), ...parts].map((s) => s.uri),
    others: m.segments.flatMap((s) => [s.key?.uri, s.map?.uri]),
  };
}

function mpdParser(text) {
  const m = parseMPD(text, { manifestUri: base + 'x.mpd', NOW: Date.parse('2026-11-30T08:20:00Z') });
  const groups = Object.values(m.mediaGroups ?? {}).flatMap((g) => Object.values(g)).flatMap((g) => Object.values(g));
  const all = [...(m.playlists ?? []), ...groups.flatMap((g) => g.playlists ?? [])];
  return {
    set: false,
    sequence: 0,
    ended: all.every((p) => p.endList),
    segments: all.flatMap((p) => [...(p.segments ?? []).map((s) => s.resolvedUri), p.sidx?.resolvedUri]),
    others: all.flatMap((p) => (p.segments ?? []).map((s) => s.map?.resolvedUri)),
  };
}

console.warn = console.error;
for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, 'utf8');
  const parsers = file.endsWith('.mpd') ? { mpdParser } : { m3u8Parser, hlsParser };
  for (const [name, read] of Object.entries(parsers)) {
    try {
      report(file, name, read(text));
    } catch (err) {
      console.log(JSON.stringify({ file: basename(file), parser: name, refused: String(err.message ?? err) }));
    }
  }
}
