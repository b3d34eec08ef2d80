/** Says what nobody sees: which characters of a name are written in parts. */
export function decomposition(name: string): string {
  const codes = (text: string): string =>
    [...text]
      .map((character) => `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`)
      .join(' ');
  const [first] = [...new Intl.Segmenter().segment(name)].filter(({ segment }) => segment !== segment.normalize('NFC'));
  const part = first?.segment ?? name;
  return `the name writes “${part}” as ${codes(part)}, and other devices as ${codes(part.normalize('NFC'))}`;
}
