// Every text of the pages in the reader's language. Only that language is loaded.

import { language } from "../locale";
import { en, type Text } from "./en";

export const text: Text = language === "ja" ? (await import("./ja")).ja : en;
