import { create, toBinary, type DescFile } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, type ConnectRouter } from '@connectrpc/connect';
import {
  ServerReflection as ReflectionV1,
  ServerReflectionResponseSchema,
  type ServerReflectionRequest,
} from '@serverflow/gen/es/grpc/reflection/v1/reflection_pb';
import {
  ServerReflection as ReflectionV1Alpha,
  ServerReflectionResponseSchema as AlphaResponseSchema,
} from '@serverflow/gen/es/grpc/reflection/v1alpha/reflection_pb';
import { file_health_v1_health } from '@serverflow/gen/es/health/v1/health_pb';
import { contract, registry } from './registry.ts';

/** Server reflection, v1 and v1alpha (the same messages under another name): what the contract is, open to anyone. */
export function reflectionRoutes(router: ConnectRouter, services: readonly string[]): void {
  const answer = answerer(services);
  router.service(ReflectionV1, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield create(ServerReflectionResponseSchema, {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(request.messageRequest),
        });
      }
    },
  });
  router.service(ReflectionV1Alpha, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield create(AlphaResponseSchema, {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(request.messageRequest),
        });
      }
    },
  });
}

type Ask = Pick<ServerReflectionRequest['messageRequest'], 'case'> & { value?: unknown };
type Answer =
  | { case: 'fileDescriptorResponse'; value: { fileDescriptorProto: Uint8Array[] } }
  | { case: 'listServicesResponse'; value: { service: { name: string }[] } }
  | {
      case: 'allExtensionNumbersResponse';
      value: { baseTypeName: string; extensionNumber: number[] };
    }
  | { case: 'errorResponse'; value: { errorCode: number; errorMessage: string } };

function answerer(services: readonly string[]): (ask: Ask) => Answer {
  const files = withImports([...contract, file_health_v1_health]);
  const missing = (what: string): Answer => ({
    case: 'errorResponse',
    value: { errorCode: Code.NotFound, errorMessage: `There is no ${what}.` },
  });
  const give = (file: DescFile | undefined, what: string): Answer =>
    file
      ? { case: 'fileDescriptorResponse', value: { fileDescriptorProto: closure(file) } }
      : missing(what);
  return (ask) => {
    const value = typeof ask.value === 'string' ? ask.value : '';
    switch (ask.case) {
      case 'listServices':
        return {
          case: 'listServicesResponse',
          value: { service: services.map((name) => ({ name })) },
        };
      case 'fileByFilename':
        return give(files.get(value), `file ${value}`);
      case 'fileContainingSymbol':
        return give(fileOf(files, value), `symbol ${value}`);
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = ask.value as {
          containingType: string;
          extensionNumber: number;
        };
        const extendee = registry.getMessage(containingType);
        return give(
          extendee && registry.getExtensionFor(extendee, extensionNumber)?.file,
          `extension ${extensionNumber} of ${containingType}`,
        );
      }
      case 'allExtensionNumbersOfType': {
        const extensions = [...registry].filter(
          (type) => type.kind === 'extension' && type.extendee.typeName === value,
        );
        return {
          case: 'allExtensionNumbersResponse',
          value: {
            baseTypeName: value,
            extensionNumber: extensions.map((type) =>
              type.kind === 'extension' ? type.number : 0,
            ),
          },
        };
      }
      default:
        return missing('such question');
    }
  };
}

function withImports(roots: DescFile[]): Map<string, DescFile> {
  const files = new Map<string, DescFile>();
  const add = (file: DescFile) => {
    if (files.has(file.proto.name)) return;
    files.set(file.proto.name, file);
    file.dependencies.forEach(add);
  };
  roots.forEach(add);
  return files;
}

function closure(file: DescFile): Uint8Array[] {
  return [...withImports([file]).values()].map((part) =>
    toBinary(FileDescriptorProtoSchema, part.proto),
  );
}

function fileOf(files: Map<string, DescFile>, symbol: string): DescFile | undefined {
  const type = registry.get(symbol) ?? registry.get(symbol.replace(/\.[^.]+$/, ''));
  if (type) return type.file;
  return [...files.values()].find((file) =>
    [...file.services, ...file.messages, ...file.enums].some((part) => part.typeName === symbol),
  );
}
