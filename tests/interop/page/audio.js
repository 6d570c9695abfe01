// What the page says and hears. Runs before the client's bundle, which then finds a microphone that
// plays a tone of ours, and whose peer connections we can ask for their statistics.
"use strict";

window.sound = (() => {
  const context = new AudioContext({ sampleRate: 48000 });
  const microphone = context.createMediaStreamDestination();
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  gain.gain.value = 0.5;
  oscillator.connect(gain).connect(microphone);
  oscillator.start();
  const nowhere = new GainNode(context, { gain: 0 });
  nowhere.connect(context.destination);

  navigator.mediaDevices.getUserMedia = async () => {
    await context.resume();
    return microphone.stream.clone();
  };

  const connections = [];
  window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
    construct(target, args) {
      const connection = new target(...args);
      connections.push(connection);
      return connection;
    },
  });

  const LOW = [697, 770, 852, 941];
  const HIGH = [1209, 1336, 1477, 1633];
  const KEYS = ["123A", "456B", "789C", "*0#D"];

  // Amplitude of one frequency in the samples (Goertzel under a Hann window), 1.0 for a full sine.
  function amplitude(samples, hz) {
    const k = 2 * Math.cos((2 * Math.PI * hz) / context.sampleRate);
    const turn = (2 * Math.PI) / samples.length;
    let s1 = 0;
    let s2 = 0;
    for (let n = 0; n < samples.length; n += 1) {
      const weighted = samples[n] * (1 - Math.cos(turn * n));
      [s1, s2] = [weighted + k * s1 - s2, s1];
    }
    return (2 * Math.sqrt(Math.max(0, s1 * s1 + s2 * s2 - k * s1 * s2))) / samples.length;
  }

  // The one frequency of the group that stands out in the samples, or -1.
  function standsOut(samples, group) {
    const levels = group.map((hz) => amplitude(samples, hz));
    const [first, second] = [...levels].sort((a, b) => b - a);
    return first > 0.02 && first > 3 * second ? levels.indexOf(first) : -1;
  }

  function digitIn(samples) {
    const low = standsOut(samples, LOW);
    const high = standsOut(samples, HIGH);
    return low < 0 || high < 0 ? null : KEYS[low][high];
  }

  // Hands all that is heard to the page, 1024 samples (21 ms) at a time, which overlap by half. A
  // busy page may look late, but misses nothing.
  const BLOCKS = `
    registerProcessor("blocks", class extends AudioWorkletProcessor {
      constructor() {
        super();
        this.block = new Float32Array(1024);
        this.filled = 0;
      }

      process([[samples]]) {
        if (!samples) return true;
        this.block.set(samples, this.filled);
        this.filled += samples.length;
        if (this.filled === this.block.length) {
          this.port.postMessage(this.block);
          this.block.copyWithin(0, 512);
          this.filled = 512;
        }
        return true;
      }
    });
  `;

  // Listens to one remote track. `onDigit` is called once for each DTMF digit heard.
  class Ear {
    constructor(track, onDigit) {
      const stream = new MediaStream([track]);
      // Chromium decodes a remote track only while an element plays it.
      this.element = new Audio();
      this.element.srcObject = stream;
      this.element.muted = true;
      this.element.play();
      this.source = context.createMediaStreamSource(stream);
      this.long = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
      this.source.connect(this.long);
      this.blocks = new AudioWorkletNode(context, "blocks");
      this.source.connect(this.blocks).connect(nowhere);
      this.digit = null;
      this.without = 0;
      this.blocks.port.onmessage = ({ data }) => {
        const digit = digitIn(data);
        if (digit && digit !== this.digit) onDigit(digit);
        // A tone has ended after four blocks without it, 53 ms. A sender that has to wait for the
        // processor makes shorter breaks.
        this.without = digit ? 0 : this.without + 1;
        if (digit || this.without >= 4) this.digit = digit;
      };
    }

    // The last 170 ms: dominant frequency in Hz (0 when silent) and RMS level, 1.0 = full scale.
    heard() {
      const samples = new Float32Array(this.long.fftSize);
      this.long.getFloatTimeDomainData(samples);
      const level = Math.hypot(...samples) / Math.sqrt(samples.length);
      if (level < 0.003) return { hz: 0, level };
      const bins = new Float32Array(this.long.frequencyBinCount);
      this.long.getFloatFrequencyData(bins);
      let peak = 1;
      for (let bin = 2; bin < bins.length - 1; bin += 1) {
        if (bins[bin] > bins[peak]) peak = bin;
      }
      const [left, middle, right] = bins.slice(peak - 1, peak + 2);
      const shift = (left - right) / (2 * (left - 2 * middle + right)) || 0;
      return { hz: ((peak + shift) * context.sampleRate) / this.long.fftSize, level };
    }

    // How loud each of these frequencies was in the last 170 ms, 1.0 = full scale.
    amplitudes(tones) {
      const samples = new Float32Array(this.long.fftSize);
      this.long.getFloatTimeDomainData(samples);
      return tones.map((hz) => amplitude(samples, hz));
    }

    close() {
      this.blocks.disconnect();
      this.source.disconnect();
      this.element.srcObject = null;
    }
  }

  // Inbound and outbound audio figures of the newest peer connection.
  async function figures() {
    const report = connections.length ? await connections.at(-1).getStats() : new Map();
    const found = {};
    for (const entry of report.values()) {
      if (entry.kind === "audio" && /^(in|out)bound-rtp$/.test(entry.type)) found[entry.type] = entry;
    }
    return found;
  }

  // Resolves when the digit that is being sent has ended; one sent before that would replace it.
  function digitSent() {
    const sender = connections.at(-1).getSenders().find(({ dtmf }) => dtmf);
    return new Promise((resolve) => {
      sender.dtmf.addEventListener("tonechange", function ended({ tone }) {
        if (tone) return;
        sender.dtmf.removeEventListener("tonechange", ended);
        resolve();
      });
    });
  }

  return {
    Ear,
    figures,
    digitSent,
    setTone(hz) {
      oscillator.frequency.value = hz;
    },
    async prepare() {
      const module = URL.createObjectURL(new Blob([BLOCKS], { type: "text/javascript" }));
      await context.audioWorklet.addModule(module);
      await context.resume();
    },
  };
})();
