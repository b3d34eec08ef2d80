import { join } from 'node:path';
import type { Act, Background, Manager } from './background.ts';
import { xml } from './xml.ts';

/** An agent of the user: `man launchd.plist`. Launchd waits a minute before it starts again what failed. */
export function agentText({ name, words, environment }: Background): string {
  const variables = Object.entries(environment).map(
    ([key, value]) => `    <key>${xml(key)}</key>\n    <string>${xml(value)}</string>\n`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${xml(name)}</string>
  <key>ProgramArguments</key>
  <array>
${words.map((text) => `    <string>${xml(text)}</string>`).join('\n')}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
${variables.join('')}  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>60</integer>
  <key>ProcessType</key>
  <string>Background</string>
</dict>
</plist>
`;
}

export function launchd(background: Background, { home, uid }: { home: string; uid: number }): Manager {
  const place = join(home, 'Library', 'LaunchAgents', `${background.name}.plist`);
  const [domain, target] = [`gui/${uid}`, `gui/${uid}/${background.name}`];
  const load: Act = { do: 'run', words: ['launchctl', 'bootstrap', domain, place] };
  const unload: Act = { do: 'run', words: ['launchctl', 'bootout', target], mayFail: true };
  return {
    kind: 'launchd',
    place,
    install: [{ do: 'write', place, bytes: Buffer.from(agentText(background)) }, unload, load],
    start: [
      { ...load, mayFail: true },
      { do: 'run', words: ['launchctl', 'kickstart', target] },
    ],
    stop: [unload],
    uninstall: [unload, { do: 'remove', place }],
    query: ['launchctl', 'print', target],
    describe: describeAgent,
  };
}

/** What `launchctl print` answers, in words. */
export function describeAgent(answer: string): string | undefined {
  const state = /^\s*state = (.+)$/m.exec(answer)?.[1];
  const code = /^\s*last exit code = (\d+)/m.exec(answer)?.[1];
  if (state === undefined) return undefined;
  return state === 'running' || code === undefined || code === '0' ? state : `${state}, ended with exit code ${code}`;
}
