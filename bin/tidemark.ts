import { App } from 'aws-cdk-lib';
import { createStacks } from '../lib/tidemark.ts';

createStacks(new App());
