/** A page that a browser shows. */
export interface Page {
  readonly url: string;
  readonly status: number;
  readonly html: string;
}

const attribute = (tag: string, name: string): string | undefined =>
  new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&amp;', '&');

/** What a person does in a browser, as far as signing in needs it: follows links and redirections, fills forms in, keeps cookies. */
export class Browser {
  /** By host and name. */
  readonly #cookies = new Map<string, string>();

  async visit(url: string, form?: URLSearchParams): Promise<Page> {
    const { host } = new URL(url);
    const known = [...this.#cookies].flatMap(([key, value]) => {
      const [owner, name] = key.split(' ');
      return owner === host ? [`${name}=${value}`] : [];
    });
    const response = await fetch(url, {
      ...(form && { method: 'POST', body: form }),
      headers: { cookie: known.join('; ') },
      redirect: 'manual',
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      this.#cookies.set(`${host} ${name}`, value!);
    }
    const location = response.headers.get('location');
    if (location !== null) return await this.visit(new URL(location, url).href);
    return { url, status: response.status, html: await response.text() };
  }

  /** Sends the form of a page with these fields, beside those that it has itself. */
  async submit({ url, html }: Page, fields: Readonly<Record<string, string>> = {}): Promise<Page> {
    const [form = ''] = /<form[\s\S]*?<\/form>/.exec(html) ?? [];
    const inputs = [...form.matchAll(/<input[^>]*>/g)].map(([tag]) => tag);
    const hidden = inputs.filter((tag) => attribute(tag, 'type') === 'hidden');
    const own = hidden.map((tag) => [attribute(tag, 'name')!, attribute(tag, 'value') ?? '']);
    const unknown = Object.keys(fields).find((name) => !inputs.some((tag) => attribute(tag, 'name') === name));
    if (form === '' || unknown) throw new Error(`no form with ${unknown ?? 'anything'} at ${url}:\n${html}`);
    const sent = new URLSearchParams([...own, ...Object.entries(fields)]);
    return await this.visit(new URL(attribute(form, 'action')!, url).href, sent);
  }

  /** Follows the link with that text. */
  async follow({ url, html }: Page, text: string): Promise<Page> {
    const found = [...html.matchAll(/<a [^>]*>([^<]*)<\/a>/g)].find(([, label]) => label === text);
    if (!found) throw new Error(`no link «${text}» at ${url}:\n${html}`);
    return await this.visit(new URL(attribute(found[0], 'href')!, url).href);
  }
}
