// An extension that derives the slug of a post from its title, refuses a word in titles, and says hello.
import { Event, GET, JSONObject, name, onRecordCreate, onRecordUpdate, rejectField, Request } from "../../../sdk/assemblyscript";
export { alloc, handle } from "../../../sdk/assemblyscript";

name("slugs-as", "1.0.0");
onRecordCreate(slug, ["posts"]);
onRecordUpdate(slug, ["posts"]);
GET("/hello/{name}", (r: Request): void => {
  r.json(200, new JSONObject().text("hello", r.param("name")).text("lang", "assemblyscript"));
});

function slug(e: Event): void {
  const title = e.record.text("title");
  if (containsWord(title, "forbidden")) {
    rejectField("title", "validation_forbidden_word", 'The word "forbidden" is not allowed.');
    return;
  }
  e.record.setText("slug", slugify(title));
}

/** Keeps ASCII letters, in lower case, and digits; each run of anything else becomes one dash, none at the ends. */
function slugify(title: string): string {
  const slug = new Uint8Array(title.length); // a dash takes the place of what it stands for
  let n = 0;
  let gap = false;
  for (let i = 0; i < title.length; i++) {
    const c = lower(title.charCodeAt(i));
    if (!isAlphanumeric(c)) {
      gap = n > 0;
      continue;
    }
    if (gap) slug[n++] = 0x2d;
    gap = false;
    slug[n++] = <u8>c;
  }
  return String.UTF8.decodeUnsafe(slug.dataStart, n);
}

/** Whether text has word, which is in lower case, between other characters than ASCII letters and digits. */
function containsWord(text: string, word: string): bool {
  for (let i = 0; i + word.length <= text.length; i++) {
    if (i > 0 && isAlphanumeric(lower(text.charCodeAt(i - 1)))) continue;
    let n = 0;
    while (n < word.length && lower(text.charCodeAt(i + n)) == word.charCodeAt(n)) n++;
    const end = i + n;
    if (n == word.length && (end == text.length || !isAlphanumeric(lower(text.charCodeAt(end))))) return true;
  }
  return false;
}

function lower(c: i32): i32 {
  return c >= 0x41 && c <= 0x5a ? c + 0x20 : c;
}

function isAlphanumeric(c: i32): bool {
  return (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39);
}
