import type { Push, Request } from "../wire/types";
import type { Buffers, Transport } from "./transport";

export interface Recorded {
  push: Push;
  buffers?: Buffers;
  /** Milliseconds after the request. */
  after?: number;
}

/** Answers a request with messages, as a kernel would. */
export type Script = (request: Request) => readonly Recorded[];

/** Plays messages from a script, so that the board runs without a kernel. */
export function replayTransport(script: Script): Transport {
  const listeners = new Set<(push: Push, buffers: Buffers) => void>();
  const play = ({ push, buffers = [] }: Recorded) => {
    for (const receive of listeners) receive(push, buffers);
  };
  return {
    send(request) {
      for (const record of script(structuredClone(request))) {
        setTimeout(play, record.after ?? 0, record);
      }
    },
    listen(receive) {
      listeners.add(receive);
      return () => listeners.delete(receive);
    },
  };
}
