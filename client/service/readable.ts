import * as z from 'zod';
import { Change, ChangesResponse } from '../../protocol/changes.ts';
import { TreeResponse } from '../../protocol/tree.ts';

/** An item of an answer that this client cannot take, and why not. */
export interface Unreadable {
  readonly path: string;
  readonly reason: string;
}

/** A page of changes; what of it cannot be read is apart, and all others count. */
export const ReadableChanges = ChangesResponse.extend({ changes: z.array(z.unknown()) }).transform(
  ({ changes, ...page }, context) => {
    const named = z.looseObject({ change_type: z.string(), entry: z.looseObject({ path: z.string() }) });
    const { good, bad } = sift(Change, named, changes, context);
    // What was never taken over needs no deletion.
    const unreadable = bad.filter(({ item }) => item.change_type !== 'delete');
    const gone = bad.filter(({ item }) => item.change_type === 'delete').map(({ item }) => item.entry.path);
    const listed = unreadable.map(({ item, reason }) => ({ path: item.entry.path, reason }));
    return { ...page, changes: good, ...(bad.length > 0 && { unreadable: listed, gone }) };
  },
);

/** A page of a directory, likewise; here the paths are names. */
export const ReadableTree = TreeResponse.extend({ entries: z.array(z.unknown()) }).transform(
  ({ entries, ...page }, context) => {
    const named = z.looseObject({ name: z.string() });
    const { good, bad } = sift(TreeResponse.shape.entries.element, named, entries, context);
    const unreadable = bad.map(({ item, reason }) => ({ path: item.name, reason }));
    return { ...page, entries: good, ...(bad.length > 0 && { unreadable }) };
  },
);

/** What has no name either is no answer of this service. */
function sift<Good extends z.ZodType, Named extends z.ZodType>(
  schema: Good,
  named: Named,
  items: readonly unknown[],
  context: z.RefinementCtx,
): { good: z.infer<Good>[]; bad: { item: z.infer<Named>; reason: string }[] } {
  const good: z.infer<Good>[] = [];
  const bad: { item: z.infer<Named>; reason: string }[] = [];
  for (const item of items) {
    const taken = schema.safeParse(item);
    if (taken.success) {
      good.push(taken.data);
      continue;
    }
    const known = named.safeParse(item);
    if (known.success) bad.push({ item: known.data, reason: taken.error.issues[0]!.message });
    else context.addIssue({ code: 'custom', message: taken.error.issues[0]!.message });
  }
  return { good, bad };
}
