import { mount } from "../src/app";
import { replayTransport } from "../src/transport/replay";
import { FakeKernel } from "./fake";
import { MODELS } from "./models";

const asked = new URLSearchParams(location.search);
const theme = asked.get("theme");
if (theme) document.body.dataset.jpThemeLight = String(theme === "light");
const facts = MODELS[asked.get("model") ?? "4"];
const place = document.getElementById("board");
if (!facts || !place) throw new Error("No such model.");
const kernel = new FakeKernel(facts, Number(asked.get("delay") ?? 20));
mount(
  place,
  replayTransport((request) => kernel.answer(request)),
);
