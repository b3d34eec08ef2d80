import { Stack } from 'aws-cdk-lib';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';

interface SharedValueProps {
  /** Of the parameter: `/Tidemark/stream/brokers`. */
  readonly path: string;
  readonly value: string;
}

/**
 * A value for other stacks that an update of its own may change. CloudFormation refuses to change an export while a stack
 * imports it; a parameter changes, and the stacks that read it get the new value when they are deployed after it.
 */
export class SharedValue extends Construct {
  readonly #props: SharedValueProps;

  constructor(scope: Construct, id: string, props: SharedValueProps) {
    super(scope, id);
    this.#props = props;
    new StringParameter(this, 'Parameter', { parameterName: props.path, stringValue: props.value });
  }

  /** The value as a construct of any stack reads it. */
  in(scope: Construct): string {
    const [owner, reader] = [Stack.of(this), Stack.of(scope)];
    if (owner === reader) return this.#props.value;
    reader.addStackDependency(owner);
    return StringParameter.valueForStringParameter(reader, this.#props.path);
  }
}
