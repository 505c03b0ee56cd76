import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Buffers, Transport } from "../src/transport/transport";
import { unpack } from "../src/wire/arrays";
import { connect, type Handlers, LATE_MS } from "../src/wire/client";
import type { Push, Reply, Request, Saved, State } from "../src/wire/types";

function stage() {
  const sent: Request[] = [];
  const seen = { states: [] as number[], late: [] as boolean[], gaps: 0, saved: [] as number[] };
  let receive: (push: Push, buffers: Buffers) => void = () => undefined;
  const transport: Transport = {
    send: (request) => void sent.push(request),
    listen: (next) => {
      receive = next;
      return () => undefined;
    },
  };
  const handlers: Handlers = {
    state: (state) => seen.states.push(state.seq),
    data: () => undefined,
    progress: () => undefined,
    saved: (saved) => seen.saved.push(saved.id),
    late: (late) => seen.late.push(late),
    remembered: () => undefined,
    gap: () => {
      seen.gaps += 1;
    },
  };
  const client = connect(transport, handlers);
  const reply = (id: number, text = ""): void =>
    receive({ t: "reply", id, problem: null, text } satisfies Reply, []);
  const state = (seq: number): void => receive({ t: "state", seq } as State, []);
  const saved = (id: number): void =>
    receive({ t: "saved", id, name: "", path: "", problem: null } satisfies Saved, []);
  return { client, sent, seen, reply, state, saved };
}

test("replies find their requests in any order", async () => {
  const { client, sent, reply } = stage();
  const answers = [client.ask({ op: "code" }), client.ask({ op: "code" })];
  const [first, second] = sent.map((request) => request.id) as [number, number];
  assert.ok(first !== second);
  reply(second, "second");
  reply(first, "first");
  reply(first, "again");
  const texts = (await Promise.all(answers)).map((answer) => answer.text);
  assert.deepEqual(texts, ["first", "second"]);
});

test("replies to another board on the same channel are passed over", () => {
  const { client, reply, seen } = stage();
  void client.ask({ op: "code" });
  reply(-1);
  assert.deepEqual(seen.late, []);
  client.close();
});

test("a kernel that does not answer is said to be busy until it does", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { client, sent, reply, seen } = stage();
  void client.ask({ op: "code" });
  void client.ask({ op: "code" });
  mock.timers.tick(LATE_MS - 1);
  assert.deepEqual(seen.late, []);
  mock.timers.tick(1);
  assert.deepEqual(seen.late, [true]);
  reply(sent[0]?.id ?? 0);
  assert.deepEqual(seen.late, [true]);
  reply(sent[1]?.id ?? 0);
  assert.deepEqual(seen.late, [true, false]);
  mock.timers.reset();
});

test("older states are dropped, and missed ones are asked for", () => {
  const { state, seen } = stage();
  for (const seq of [4, 5, 5, 3, 8, 9]) state(seq);
  assert.deepEqual(seen.states, [4, 5, 8, 9]);
  assert.equal(seen.gaps, 1);
});

test("a file is told of once, and only to the one who asked for it", () => {
  const { client, sent, saved, seen } = stage();
  void client.ask({ op: "save", what: "npz" });
  const id = sent[0]?.id ?? 0;
  for (const number of [id + 1, id, id]) saved(number);
  assert.deepEqual(seen.saved, [id]);
  client.close();
});

test("arrays are read at any offset", () => {
  const odd = new Uint8Array(3 + 8);
  odd.set(new Uint8Array(Float32Array.from([1.5, -2]).buffer), 3);
  const view = new DataView(odd.buffer, 3, 8);
  const described = { name: "a", dtype: "float32" as const, shape: [1, 2], buffer: 0 };
  assert.deepEqual([...(unpack([described], [view]).a?.data ?? [])], [1.5, -2]);
  assert.throws(() => unpack([{ ...described, shape: [3] }], [view]), /incomplete/);
  assert.throws(() => unpack([{ ...described, buffer: 1 }], [view]), /did not arrive/);
});
