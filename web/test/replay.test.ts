import assert from "node:assert/strict";
import { test } from "node:test";
import { deflate, madeUp } from "../dev/made";
import { MODELS } from "../dev/models";
import { NO_KERNEL, NOT_SAVED, replayTransport } from "../src/transport/replay";
import type { Buffers } from "../src/transport/transport";
import { unpack } from "../src/wire/arrays";
import { connect } from "../src/wire/client";
import type { ModelInfo, Recording, State, View, ViewData } from "../src/wire/types";

const model = MODELS["2"] as ModelInfo;
const MAP: View = { kind: "map", measure: "norm", position: -1 };
const head = (layer: number, head: number): View => ({
  kind: "head",
  layer,
  head,
  value: "pattern",
  skip_first: false,
  base: false,
});

/** A screen on a recording, and what it has heard. */
function screen(recording: Recording) {
  const states: State[] = [];
  const views: { data: ViewData; buffers: Buffers }[] = [];
  const client = connect(replayTransport(recording), {
    state: (state) => states.push(state),
    data: (data, buffers) => views.push({ data, buffers }),
    progress: () => undefined,
    saved: () => undefined,
    remembered: () => undefined,
    late: () => undefined,
    gap: () => assert.ok(false, "a state was missed"),
  });
  const until = async (done: () => boolean) => {
    for (let i = 0; i < 200 && !done(); i += 1) await new Promise((r) => setTimeout(r, 5));
    assert.ok(done(), "what was waited for did not come");
  };
  return { client, states, views, until };
}

test("a recording answers with the state and the numbers of a view", async () => {
  const { client, states, views, until } = screen(await madeUp(model));
  const reply = await client.ask({ op: "hello", views: [MAP] });
  assert.equal(reply.problem, null);
  assert.equal(states[0]?.live, false);
  await until(() => views.length === 1);
  const { data, buffers } = views[0] as (typeof views)[0];
  const { heads_now: now, heads_base: base } = unpack(data.arrays, buffers);
  assert.deepEqual(now?.shape, [model.n_layers, model.n_heads]);
  assert.deepEqual([...(now?.data ?? [])], [...(base?.data ?? [])]);
  assert.ok((now?.data[0] ?? 0) >= 2);
  client.close();
});

test("arrays come out as they went in, and views may share them", async () => {
  const values = Float32Array.from([1.5, -2, Number.NaN, 3e-9]);
  const array = { name: "x", dtype: "float32" as const, shape: [4], buffer: 1 };
  const made = await madeUp(model);
  const view = head(0, 0);
  const data: ViewData = { ...(made.views[0] as ViewData), view, arrays: [array, array] };
  const buffers = ["", await deflate(values)];
  const { client, views, until } = screen({ ...made, views: [data], buffers });
  await client.ask({ op: "show", views: [head(0, 0)] });
  await until(() => views.length === 1);
  const found = unpack(views[0]?.data.arrays ?? [], views[0]?.buffers ?? []);
  assert.deepEqual([...(found.x?.data ?? [])], [...values]);
  client.close();
});

test("selecting works, and states stay in order", async () => {
  const { client, states } = screen(await madeUp(model));
  await client.ask({ op: "hello" });
  await client.ask({ op: "select", addresses: ["L0H1"], position: 2 });
  await client.ask({ op: "select", addresses: [], position: null });
  assert.deepEqual(
    states.map((state) => [state.seq, state.selection, state.position]),
    [
      [1, [], -1],
      [2, ["L0H1"], 2],
      [3, [], 2],
    ],
  );
  client.close();
});

test("what needs a kernel is refused with a sentence, and so is what was not saved", async () => {
  const { client, views, until } = screen({
    ...(await madeUp(model)),
    code: "import circuitboard",
  });
  const act = await client.ask({ op: "act", verb: "ablate", at: ["L0H0"] });
  assert.deepEqual(act.problem, NO_KERNEL);
  const ask = await client.ask({ op: "ask", prompt: "", target: "", foil: "" });
  assert.deepEqual(ask.problem, NO_KERNEL);
  const save = await client.ask({ op: "save", what: "html" });
  assert.deepEqual(save.problem, NO_KERNEL);
  assert.equal((await client.ask({ op: "code" })).text, "import circuitboard");
  assert.equal((await client.ask({ op: "cancel" })).problem, null);
  await client.ask({ op: "show", views: [head(9, 9)] });
  await until(() => views.length === 1);
  assert.deepEqual(views[0]?.data.problem, NOT_SAVED);
  client.close();
});
