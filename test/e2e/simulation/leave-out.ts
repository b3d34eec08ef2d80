/**
 * Looks for fewer items that are enough: halves, quarters and so on are left out, and in the end single ones until none
 * can be.
 * @param isEnough whether what happened with all items happens with these; `false` to everything ends the search
 */
export async function leaveOut<Item>(
  items: readonly Item[],
  isEnough: (fewer: readonly Item[]) => Promise<boolean>,
): Promise<readonly Item[]> {
  let left = items;
  let size = Math.ceil(items.length / 2);
  for (;;) {
    const before = left.length;
    for (let at = 0; at < left.length; ) {
      const fewer = left.toSpliced(at, size);
      if (await isEnough(fewer)) left = fewer;
      else at += size;
    }
    if (size > 1) size = Math.ceil(size / 2);
    else if (left.length === before) return left;
  }
}
