import type { Push, Request } from "../wire/types";

export type Buffers = readonly DataView[];

/** What carries messages between the board and whatever answers it. */
export interface Transport {
  send(request: Request): void;
  /** Calls back for each message; returns how to stop. */
  listen(receive: (push: Push, buffers: Buffers) => void): () => void;
}
