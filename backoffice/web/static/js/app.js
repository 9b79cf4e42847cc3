// Entry of the console and the public pages. Everything here is a convenience on top of pages
// that work without scripts; nothing is ever kept in the browser.
import { copyButtons } from "./copy.js";
import { guardForms } from "./forms.js";
import { gridEdit } from "./grid-edit.js";
import { gridKeys } from "./grid-keys.js";
import { headsInSight } from "./heads.js";
import { followChange } from "./large-change.js";
import { palette } from "./palette.js";
import { passkeys } from "./passkeys.js";
import { pickers } from "./picker.js";
import { reloadWhileWorking } from "./reload.js";
import { saysWhatIsChosen, selectableRows } from "./rows.js";
import { guardUnsaved } from "./unsaved.js";

copyButtons(document);
guardForms(document);
gridEdit(document);
followChange(document);
gridKeys(document);
guardUnsaved(document);
headsInSight(document);
palette(document);
passkeys(document);
pickers(document);
reloadWhileWorking(document);
saysWhatIsChosen(document);
selectableRows(document);
// who has searched writes over the words
document.querySelector("[type=search][autofocus]")?.select();
