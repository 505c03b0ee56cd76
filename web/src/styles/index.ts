import frame from "./frame.css";
import head from "./head.css";
import inspector from "./inspector.css";
import map from "./map.css";
import own from "./own.css";
import parts from "./parts.css";
import prompt from "./prompt.css";
import residual from "./residual.css";
import status from "./status.css";

/** All style sheets, the general ones first. */
export const css = [frame, parts, prompt, map, head, inspector, own, residual, status].join("");
