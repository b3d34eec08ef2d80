import { Duration, Size } from 'aws-cdk-lib';
import { deploymentFrom } from '../../lib/profiles/deployment.ts';
import type { MetadataProfile, Profile, StreamProfile } from '../../lib/profiles/profile.ts';
import { profileNamed } from '../../lib/profiles/profiles.ts';
import { validated } from '../../lib/profiles/validate-profile.ts';

const team = profileNamed('team');
const internet = profileNamed('internet');

function withMetadata(metadata: Partial<MetadataProfile>, base: Profile = team): Profile {
  return { ...base, metadata: { ...base.metadata, ...metadata } };
}

function withStream(stream: Partial<StreamProfile>, base: Profile = team): Profile {
  return { ...base, stream: { ...base.stream, ...stream } };
}

test.each<[what: string, profile: Profile, message: string]>([
  ['one zone', { ...team, zones: 1, endpointZones: 1 }, 'zones is 1: Aurora and MSK need at least 2'],
  ['more endpoint zones than zones', { ...team, endpointZones: 3 }, 'endpointZones is 3: use 1 to 2'],
  ['half a cluster', withMetadata({ clusters: 1.5 }), 'metadata.clusters is 1.5: use a whole number from 1 to 24'],
  ['a capacity between steps', withMetadata({ maxCapacity: 8.3 }), '8.3 capacity units: use 0 to 256 in halves'],
  ['a most below the least', withMetadata({ maxCapacity: 4 }, internet), 'metadata.maxCapacity is 4: use at least 1'],
  ['a pause without its time', withMetadata({ minCapacity: 0 }, internet), 'pauseAfter belongs to minCapacity 0'],
  ['a pause behind a proxy', withMetadata({ proxy: true }), 'metadata.proxy with minCapacity 0'],
  [
    'a pause that is too short',
    withMetadata({ pauseAfter: Duration.minutes(1) }),
    'pauseAfter is 1 min: Aurora takes 5',
  ],
  [
    'a look at the outbox that keeps it awake',
    withMetadata({ outboxCheck: Duration.minutes(1) }),
    'outboxCheck is 1 min and pauseAfter 5 min: it would never pause',
  ],
  ['backups for too long', withMetadata({ backupRetention: Duration.days(36) }), 'backupRetention is 36 days'],
  [
    'brokers unevenly over zones',
    withStream({ brokers: 3 }),
    'stream.brokers is 3: MSK takes a multiple of the zones (2)',
  ],
  [
    'more copies than brokers',
    withStream({ replicationFactor: 3 }),
    'stream.replicationFactor is 3: there are 2 brokers',
  ],
  [
    'Express brokers with disks',
    withStream({ storage: Size.gibibytes(10) }, internet),
    'stream.storage: Express brokers',
  ],
  [
    'Express brokers under ZooKeeper',
    withStream({ kafkaVersion: '3.9.x' }, internet),
    'stream.kafkaVersion is 3.9.x: Express brokers run 3.9.x.kraft only',
  ],
  [
    'more warm instances than may run',
    { ...internet, uploads: { reserved: 10, provisioned: 20 } },
    'uploads.provisioned is 20: use no more than reserved (10)',
  ],
  [
    'more requests at once than an account has',
    { ...team, throttle: { ...team.throttle, burst: 10_000 } },
    'throttle.burst is 10000: an account has 5000 at once',
  ],
  ['an API that lets nothing through', { ...team, throttle: { ...team.throttle, rate: 0 } }, 'throttle.rate is 0'],
])('%s is refused with the value and the remedy', (_, profile, message) => {
  expect(() => validated('mine', profile)).toThrow('The profile mine cannot be deployed:');
  expect(() => validated('mine', profile)).toThrow(message);
});

test('all that is wrong is said at once', () => {
  const wrong = withStream({ brokers: 3, replicationFactor: 4 }, { ...team, endpointZones: 0 });
  expect(() => validated('mine', wrong)).toThrow(
    /endpointZones is 0[\s\S]*stream\.brokers is 3[\s\S]*replicationFactor is 4/,
  );
});

test('the number of clusters comes from the context, and is checked too', () => {
  expect(profileNamed('team', '4').metadata.clusters).toBe(4);
  expect(() => profileNamed('team', '25')).toThrow('metadata.clusters is 25: use a whole number from 1 to 24');
  expect(() => profileNamed('team', 'many')).toThrow('metadata.clusters is NaN');
});

test.each<[context: Record<string, string>, message: RegExp]>([
  [{ name: 'my service' }, /name is "my service": give a letter and up to 29 letters or digits/],
  [{ zones: 'us-east-1a us-east-1b' }, /zones is .*: give names such as us-east-1a,us-east-1c/],
  [{ zones: 'us-east-1a,us-east-1a' }, /zones is "us-east-1a,us-east-1a": name each zone once/],
  [{ zones: 'us-east-1a' }, /zones is 1: Aurora and MSK need at least 2/],
  [{ profile: 'internet', zones: 'us-west-1a,us-west-1c' }, /zones is 2: Express brokers need 3/],
  [{ keep: 'no' }, /keep is "no": give true or false/],
  [{ profile: 'dev', protected: 'true' }, /protected=true keeps what is to be destroyed/],
  [{ keep: 'false', protected: 'true' }, /protected=true keeps what is to be destroyed/],
])('the context %j is refused with how it has to look', (context, message) => {
  expect(() => deploymentFrom((key) => context[key])).toThrow(message);
});
