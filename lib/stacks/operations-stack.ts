import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { raise } from '../constructs/alarms.ts';
import { ThrottledRequests } from '../constructs/figures.ts';
import { createDashboard } from './dashboard.ts';
import type { Observed } from './observed.ts';
import { watches } from './watches.ts';

interface OperationsStackProps extends StackProps, Omit<Observed, 'throttled'> {
  /** One line per request of the HTTP API. */
  readonly accessLog: ILogGroup;
}

/** What tells a person on call that something is wrong, and one dashboard to see what. */
export class OperationsStack extends Stack {
  constructor(scope: Construct, id: string, props: OperationsStackProps) {
    super(scope, id, props);
    const refused = new ThrottledRequests(this, 'ThrottledRequests', props.accessLog);
    const observed: Observed = { ...props, throttled: refused.metric({ statistic: Stats.SUM }) };
    const topic = this.#createTopic();
    for (const [name, watch] of Object.entries(watches(observed))) raise(this, name, topic, watch);
    createDashboard(this, observed);
    new CfnOutput(this, 'AlarmTopic', { value: topic.topicArn });
  }

  /** Who should be told subscribes to it; nobody is by default. */
  #createTopic(): Topic {
    const topic = new Topic(this, 'Alarms', { displayName: 'Tidemark alarms', enforceSSL: true });
    // A topic with a policy of its own has lost the default one, which lets the account's services publish.
    const cloudWatch = new ServicePrincipal('cloudwatch.amazonaws.com');
    topic.grantPublish(cloudWatch.withConditions({ StringEquals: { 'aws:SourceAccount': this.account } }));
    return topic;
  }
}
