// Drives the unmodified official client for a test. Each thing that the client says is reported by
// `offhookEvent(name, call, detail)`, a function that the test gives the page.
"use strict";

window.offhook = (() => {
  const LINE_EVENTS = ["connecting", "error", "reconnected", "reconnecting", "registered", "unregistered"];
  const CALL_EVENTS = ["alerting", "call_error", "caller_id", "connect", "disconnect", "established",
    "held", "hold_error", "progress", "resume_error", "resumed", "transfer_error"];

  let calling;
  let line;
  let microphone;
  const calls = new Map();

  function report(name, call, detail) {
    window.offhookEvent(name, call, detail ?? null);
  }

  function plain(error) {
    if (typeof error?.getError === "function") return error.getError();
    return error ? String(error.message ?? error) : null;
  }

  function callerOf(call) {
    const { name, num } = call.getCallerInfo();
    return { name, num };
  }

  function adopt(call) {
    const key = `call-${calls.size + 1}`;
    const entry = { call, ear: null };
    calls.set(key, entry);
    for (const name of CALL_EVENTS) {
      call.on(name, (payload) => {
        const detail = name === "caller_id" ? callerOf(call) : name.endsWith("error") ? plain(payload) : null;
        report(name, key, detail);
      });
    }
    call.on("remote_media", (track) => {
      entry.ear?.close();
      entry.ear = new window.sound.Ear(track, (digit) => report("digit", key, digit));
      report("remote_media", key);
    });
    return key;
  }

  function entry(key) {
    const found = calls.get(key);
    if (!found) throw new Error(`This page has no ${key}`);
    return found;
  }

  return {
    async init({ u2c, hydra, token, region, country, tone }) {
      window.sound.setTone(tone);
      await window.sound.prepare();
      calling = await window.Calling.init({
        webexConfig: {
          config: { logger: { level: "error" }, services: { discovery: { u2c, hydra } } },
          credentials: { access_token: token },
        },
        callingConfig: {
          clientConfig: { calling: true, contact: false, callHistory: false, callSettings: false, voicemail: false },
          callingClientConfig: {
            logger: { level: "info" },
            discovery: { region, country },
            serviceData: { indicator: "calling", domain: "" },
          },
          logger: { level: "info" },
        },
      });
      await new Promise((resolve) => calling.on("ready", resolve));
      await calling.register();
      // The client logs what goes wrong in there and throws nothing.
      if (!calling.callingClient) throw new Error("The client did not get as far as a line; see its console");
      for (const state of ["online", "offline"]) {
        calling.webex.internal.mercury.on(state, () => report(`mercury_${state}`, null));
      }
      calling.callingClient.on("callingClient:error", (error) => report("client_error", null, plain(error)));
      [line] = Object.values(calling.callingClient.getLines());
      for (const name of LINE_EVENTS) {
        line.on(name, (payload) => report(name, null, name === "error" ? plain(payload) : null));
      }
      line.on("line:incoming_call", (call) => {
        const key = adopt(call);
        report("incoming_call", key, callerOf(call));
      });
      microphone = await window.Calling.createMicrophoneStream({});
    },

    register: () => line.register(),

    dial(number) {
      const call = line.makeCall({ type: "uri", address: number });
      if (!call) return null;
      const key = adopt(call);
      call.dial(microphone);
      return key;
    },

    answer: (key) => entry(key).call.answer(microphone),
    end: (key) => entry(key).call.end(),
    holdResume: (key) => entry(key).call.doHoldResume(),
    blindTransfer: (key, number) => entry(key).call.completeTransfer("BLIND", undefined, number),
    consultTransfer: (key, other) => entry(key).call.completeTransfer("CONSULT", entry(other).call.getCallId()),
    mute: (key) => entry(key).call.mute(microphone),
    async sendDigit(key, digit) {
      const sent = window.sound.digitSent();
      entry(key).call.sendDigit(digit);
      await sent;
    },
    endAll() {
      for (const call of Object.values(calling.callingClient.getActiveCalls()).flat()) call.end();
    },
    deregister: () => calling.deregister(),
    setTone: (hz) => window.sound.setTone(hz),
    heard: (key) => entry(key).ear?.heard() ?? { hz: 0, level: 0 },
    amplitudes: (key, tones) => entry(key).ear?.amplitudes(tones) ?? tones.map(() => 0),
    figures: () => window.sound.figures(),

    status(key) {
      const status = { line: line?.getStatus() ?? "none", deviceId: line?.getDeviceId() ?? null };
      if (key) {
        const { call } = entry(key);
        Object.assign(status, { connected: call.isConnected(), held: call.isHeld(), muted: call.isMuted() });
      }
      return status;
    },
  };
})();
