import docks from "./docks.css";
import frame from "./frame.css";
import head from "./head.css";
import inspector from "./inspector.css";
import map from "./map.css";
import parts from "./parts.css";
import prompt from "./prompt.css";
import status from "./status.css";
import tour from "./tour.css";

/** All style sheets, the general ones first. */
export const css = [frame, docks, parts, prompt, map, head, inspector, status, tour].join("");
