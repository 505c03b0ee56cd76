import frame from "./frame.css";
import head from "./head.css";
import headParts from "./head-parts.css";
import inspector from "./inspector.css";
import map from "./map.css";
import parts from "./parts.css";
import prompt from "./prompt.css";
import status from "./status.css";

/** All style sheets, the general ones first. */
export const css = [frame, parts, prompt, map, head, headParts, inspector, status].join("");
