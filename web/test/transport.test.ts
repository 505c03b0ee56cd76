import assert from "node:assert/strict";
import { test } from "node:test";
import { effect, signal } from "@preact/signals";
import { jupyterTransport, type WidgetModel } from "../src/transport/jupyter";
import type { Push } from "../src/wire/types";

function fakeModel() {
  let handler: (content: unknown, buffers: DataView[]) => void = () => {};
  const model: WidgetModel = {
    send() {},
    on(_event, given) {
      handler = given;
    },
    off() {},
  };
  return { model, say: (content: unknown, buffers: DataView[] = []) => handler(content, buffers) };
}

const bytes = (value: number) => new DataView(Uint8Array.of(value).buffer);

test("a bundle is taken apart in order, each part with its own buffers, and painted once", () => {
  const { model, say } = fakeModel();
  const heard: string[] = [];
  const shown = signal("");
  let paints = 0;
  effect(() => {
    paints += shown.value ? 1 : 0;
  });
  jupyterTransport(model).listen((push: Push, buffers) => {
    heard.push(`${push.t} ${buffers.map((b) => b.getUint8(0)).join()}`);
    shown.value = heard.join();
  });
  say(
    {
      t: "bundle",
      parts: [
        { content: { t: "state" }, buffers: 0 },
        { content: { t: "view" }, buffers: 2 },
        { content: { t: "view" }, buffers: 1 },
      ],
    },
    [bytes(1), bytes(2), bytes(3)],
  );
  assert.deepEqual(heard, ["state ", "view 1,2", "view 3"]);
  assert.equal(paints, 1);
  say({ t: "reply" });
  assert.equal(heard.at(-1), "reply ");
  say({ something: "else" });
  assert.equal(heard.length, 4);
});
