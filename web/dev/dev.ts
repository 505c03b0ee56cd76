import { mount } from "../src/app";
import { replayTransport } from "../src/transport/replay";
import { madeUp } from "./made";
import { MODELS } from "./models";

/** A board of any size without a kernel, for looking at it and for timing frames. */
const asked = new URLSearchParams(location.search);
const theme = asked.get("theme");
if (theme) document.body.dataset.jpThemeLight = String(theme === "light");
const facts = MODELS[asked.get("model") ?? "4"];
const place = document.getElementById("board");
if (!facts || !place) throw new Error("No such model.");
mount(place, replayTransport(await madeUp(facts)));
