import { viewKey } from "../state/kernel";
import type { Array as Described, Problem, Push, Recording, Request, View } from "../wire/types";
import type { Buffers, Transport } from "./transport";

export const NO_KERNEL: Problem = {
  kind: "saved",
  message: "This is a saved board: open it with a kernel to change the model.",
  hint: "“Copy as Python” gives the code that rebuilds it.",
};
export const NOT_SAVED: Problem = {
  kind: "saved",
  message: "This was not saved with the board.",
  hint: "Open the board with a kernel to see it.",
};
/** What needs no kernel to be answered. */
const ANSWERED: ReadonlySet<string> = new Set([
  "hello",
  "show",
  "select",
  "look",
  "code",
  "cancel",
  "remember",
]);

/** Answers from a recording, so that the board runs without a kernel. */
export function replayTransport(recording: Recording): Transport {
  const listeners = new Set<(push: Push, buffers: Buffers) => void>();
  const push = (message: Push, buffers: Buffers = []) => {
    for (const receive of listeners) receive(message, buffers);
  };
  const kept = new Map(recording.views.map((data) => [viewKey(data.view), data]));
  const unpacked = new Map<number, Promise<DataView>>();
  let state = recording.state;

  const buffer = (index: number): Promise<DataView> => {
    let found = unpacked.get(index);
    if (!found) {
      found = inflate(recording.buffers[index] ?? "");
      unpacked.set(index, found);
    }
    return found;
  };
  const show = async (view: View) => {
    const data = kept.get(viewKey(view));
    if (!data) {
      const { revision } = state;
      push({ t: "view", view, revision, arrays: [], info: null, problem: NOT_SAVED });
      return;
    }
    const buffers = await Promise.all(data.arrays.map((array) => buffer(array.buffer)));
    const arrays = data.arrays.map((array, i): Described => ({ ...array, buffer: i }));
    push({ ...data, arrays }, buffers);
  };
  const answer = async (request: Request) => {
    let text: string | null = null;
    if (request.op === "hello") push(state);
    else if (request.op === "code") text = recording.code;
    else if (request.op === "select") {
      const position = request.position ?? state.position;
      state = { ...state, seq: state.seq + 1, selection: request.addresses, position };
      push(state);
    }
    const problem = ANSWERED.has(request.op) ? null : NO_KERNEL;
    push({ t: "reply", id: request.id, problem, text });
    if (request.op === "look") await show(request.view);
    if (request.op !== "hello" && request.op !== "show") return;
    await Promise.all((request.views ?? []).map(show));
  };
  return {
    send: (request) => void Promise.resolve(structuredClone(request)).then(answer),
    listen(receive) {
      listeners.add(receive);
      return () => listeners.delete(receive);
    },
  };
}

/** The bytes behind a text in base64, compressed as raw DEFLATE. */
async function inflate(text: string): Promise<DataView> {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new DataView(await new Response(stream).arrayBuffer());
}
