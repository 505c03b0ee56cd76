import type { Push, Request } from "../wire/types";
import type { Buffers, Transport } from "./transport";

/** The part of an anywidget model that carries custom messages. */
export interface WidgetModel {
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
  on(event: string, handler: (content: unknown, buffers: DataView[]) => void): void;
  off(event: string, handler: (content: unknown, buffers: DataView[]) => void): void;
}

const EVENT = "msg:custom";

/** Messages over the widget's own channel to the kernel. */
export function jupyterTransport(model: WidgetModel): Transport {
  return {
    send: (request: Request) => model.send(request),
    listen(receive: (push: Push, buffers: Buffers) => void) {
      const handler = (content: unknown, buffers: DataView[] | undefined) => {
        if (typeof content === "object" && content !== null && "t" in content) {
          receive(content as Push, buffers ?? []);
        }
      };
      model.on(EVENT, handler);
      return () => model.off(EVENT, handler);
    },
  };
}
