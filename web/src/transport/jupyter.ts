import { batch } from "@preact/signals";
import type { Push, Request } from "../wire/types";
import type { Buffers, Transport } from "./transport";

/** The part of an anywidget model that carries custom messages. */
export interface WidgetModel {
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
  on(event: string, handler: (content: unknown, buffers: DataView[]) => void): void;
  off(event: string, handler: (content: unknown, buffers: DataView[]) => void): void;
}

const EVENT = "msg:custom";

/** Messages that the kernel sent as one, each with its own buffers. */
interface Bundle {
  t: "bundle";
  parts: { content: Push; buffers: number }[];
}

/** Hands on what came as one message in one go, so that it is painted once. */
function deliver(
  content: Push | Bundle,
  buffers: Buffers,
  receive: (push: Push, buffers: Buffers) => void,
): void {
  if (content.t !== "bundle") {
    receive(content, buffers);
    return;
  }
  let at = 0;
  batch(() => {
    for (const part of content.parts) {
      receive(part.content, buffers.slice(at, at + part.buffers));
      at += part.buffers;
    }
  });
}

/** Messages over the widget's own channel to the kernel. */
export function jupyterTransport(model: WidgetModel): Transport {
  return {
    send: (request: Request) => model.send(request),
    listen(receive: (push: Push, buffers: Buffers) => void) {
      const handler = (content: unknown, buffers: DataView[] | undefined) => {
        if (typeof content === "object" && content !== null && "t" in content) {
          deliver(content as Push | Bundle, buffers ?? [], receive);
        }
      };
      model.on(EVENT, handler);
      return () => model.off(EVENT, handler);
    },
  };
}
