import alone from "./alone.css";
import frame from "./frame.css";
import head from "./head.css";
import inspector from "./inspector.css";
import map from "./map.css";
import parts from "./parts.css";
import prompt from "./prompt.css";
import save from "./save.css";
import status from "./status.css";

/** All style sheets, the general ones first. */
export const css = [frame, parts, prompt, map, head, inspector, status, save, alone].join("");
