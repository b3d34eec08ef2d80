import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Match } from 'aws-cdk-lib/assertions';
import { limits } from '../../protocol/limits.ts';
import { routeProblems } from './checks/routes.ts';
import { userProblems } from './checks/users.ts';
import { deploymentOf } from './deployment.ts';

const { template, resources, functions } = deploymentOf();

describe('HTTP API', () => {
  test('has the routes of the protocol, each with a token but those that come before one', () => {
    expect(routeProblems(deploymentOf())).toEqual([]);
  });

  test('answers no page of another origin', () => {
    template('Api').hasResourceProperties('AWS::ApiGatewayV2::Api', { CorsConfiguration: Match.absent() });
  });

  test('accepts tokens of the user pool for its client only', () => {
    template('Api').hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
      AuthorizerType: 'JWT',
      IdentitySource: ['$request.header.Authorization'],
      JwtConfiguration: {
        Issuer: { 'Fn::ImportValue': Match.stringLikeRegexp('ProviderURL') },
        Audience: [{ 'Fn::ImportValue': Match.stringLikeRegexp('Client') }],
      },
    });
  });

  test('waits longer for a function than the function may take', () => {
    for (const { name, path, properties } of functions.filter(({ path }) => path.startsWith('TidemarkApi/'))) {
      expect({ name, path, slow: Number(properties.Timeout) >= 30 }).toMatchObject({ slow: false });
    }
  });
});

describe('WebSocket API', () => {
  test('opens a connection for a ticket in the query', () => {
    template('Notification').hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
      AuthorizerType: 'REQUEST',
      IdentitySource: ['route.request.querystring.ticket'],
    });
    template('Notification').hasResourceProperties('AWS::ApiGatewayV2::Route', {
      RouteKey: '$connect',
      AuthorizationType: 'CUSTOM',
      AuthorizerId: Match.anyValue(),
    });
  });

  test('has three routes, and answers what it does not know', () => {
    const deployed = Object.values(template('Notification').findResources('AWS::ApiGatewayV2::Route'));
    expect(deployed.map(({ Properties }) => Properties.RouteKey).sort()).toEqual([
      '$connect',
      '$default',
      '$disconnect',
    ]);
    template('Notification').hasResourceProperties('AWS::ApiGatewayV2::RouteResponse', {
      RouteResponseKey: '$default',
    });
  });
});

describe('identity', () => {
  test('refresh tokens last as long as the service remembers the sign-ins that ended', () => {
    template('Identity').hasResourceProperties('AWS::Cognito::UserPoolClient', {
      EnableTokenRevocation: true,
      RefreshTokenValidity: limits.signInDays * 24 * 60,
      TokenValidityUnits: { RefreshToken: 'minutes' },
    });
  });

  test('users are made under what README tells them to sign in with', () => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
    const name = /tidemark login \S+ --user (\S+)/.exec(readme)?.[1];
    expect(userProblems(deploymentOf(), name!)).toEqual([]);
  });

  test('only an administrator creates users', () => {
    template('Identity').hasResourceProperties('AWS::Cognito::UserPool', {
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
    });
  });

  test('the client signs in with a password, with SRP or with a refresh token', () => {
    template('Identity').hasResourceProperties('AWS::Cognito::UserPoolClient', {
      ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      AllowedOAuthFlowsUserPoolClient: false,
    });
  });
});

test('no function is callable by a service without a source', () => {
  const permissions = resources('AWS::Lambda::Permission');
  expect(permissions.length).toBeGreaterThan(0);
  for (const { properties } of permissions) expect(properties).toHaveProperty('SourceArn');
});
