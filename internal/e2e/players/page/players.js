// Has players watch streams, and reports what they showed.

const seats = [];
const every = 50; // ms between two looks at a player

// A Seat is one player that watches one stream.
class Seat {
  constructor(player, stream) {
    Object.assign(this, { player, stream, errors: {}, fatal: "", chunks: {}, moves: [] });
    this.video = document.createElement("video");
    this.video.muted = true;
    document.body.append(this.video);
    this.at = 0; // where it plays, in seconds
    this.moved = performance.now(); // when it last did so at two looks: one alone is a step within a wait
    this.moving = false;
    this.stood = 0; // the longest time without a move since watch(), in ms
    this.canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 90 });
    this.drawing = this.canvas.getContext("2d", { willReadFrequently: true });
    this.video.requestVideoFrameCallback(this.picture);
    setInterval(() => this.look(), every);
  }

  look() {
    const now = performance.now();
    const at = this.video.currentTime;
    if (at !== this.at) {
      const played = (now - this.looked) / 1000;
      if ((at < this.at - 0.5 || at > this.at + played + 0.5) && this.moves.length < 50) this.moves.push([this.at, at]);
      if (this.moving) this.moved = now;
    }
    this.moving = at !== this.at;
    this.at = at;
    this.looked = now;
    this.stood = Math.max(this.stood, now - this.moved);
  }

  // picture reads the label of a picture that is shown.
  picture = (_, { mediaTime }) => {
    this.video.requestVideoFrameCallback(this.picture);
    this.drawing.drawImage(this.video, 0, 0, 160, 90);
    const row = this.drawing.getImageData(0, 9, 160, 1).data;
    const bits = Array.from({ length: 16 }, (_, square) => (row[(square * 10 + 5) * 4] > 127 ? 1 : 0));
    if (!bits[0] || bits[1] || bits[11] || !bits[12]) return;
    const read = (from, count) => bits.slice(from, from + count).reduce((sum, bit, i) => sum + (bit << i), 0);
    const chunk = `${read(2, 2)}/${read(4, 7)}`;
    const seen = (this.chunks[chunk] ??= { first: mediaTime, last: mediaTime, pictures: 0 });
    seen.first = Math.min(seen.first, mediaTime);
    seen.last = Math.max(seen.last, mediaTime);
    seen.pictures++;
  };

  failed(what, fatal) {
    this.errors[what] = (this.errors[what] ?? 0) + 1;
    if (fatal) this.fatal ||= what;
  }

  report() {
    const { player, stream, errors, fatal, chunks, moves, at, stood } = this;
    return {
      player, stream, errors, fatal, chunks, moves, at, stood,
      ended: this.video.ended, still: performance.now() - this.moved,
    };
  }
}

const open = {
  "hls.js": (seat, url) => {
    const hls = new Hls();
    hls.on(Hls.Events.ERROR, (_, error) => seat.failed(error.details, error.fatal));
    hls.loadSource(url);
    hls.attachMedia(seat.video);
    hls.on(Hls.Events.MANIFEST_PARSED, () => seat.video.play());
  },
  "dash.js": (seat, url) => {
    const player = dashjs.MediaPlayer().create();
    if (seats.delay) player.updateSettings({ streaming: { delay: { liveDelay: seats.delay } } });
    player.clearDefaultUTCTimingSources(); // this host's clock wrote the times
    player.on(dashjs.MediaPlayer.events.ERROR, ({ error }) => seat.failed(`dash.js ${error.code ?? error}`, false));
    player.initialize(seat.video, url, true);
  },
  shaka: async (seat, url) => {
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    const failed = (error) => seat.failed(error.code ? `shaka ${error.code}` : error.message, error.severity === shaka.util.Error.Severity.CRITICAL);
    player.addEventListener("error", (event) => failed(event.detail));
    await player.attach(seat.video);
    await player.load(url).catch(failed);
    seat.video.play();
  },
};

// play has a player watch a stream.
function play(player, stream, url) {
  const seat = new Seat(player, stream);
  seats.push(seat);
  open[player](seat, url);
}

// watch begins to measure how long players stand still.
function watch() {
  for (const seat of seats) Object.assign(seat, { stood: 0, moves: [], errors: {} });
}

const report = () => seats.map((seat) => seat.report());
