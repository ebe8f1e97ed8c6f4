// Made by make_prisma_client from schema.prisma and Prisma 7.10.1: not edited by hand.
import * as runtime from '@prisma/client/runtime/client';

const config = {
  "previewFeatures": [],
  "clientVersion": "7.10.1",
  "engineVersion": "d1b3f377ca835d73fd50954a5e22128b9ebdd6b8",
  "activeProvider": "postgresql",
  "inlineSchema": "generator client {\n  provider = \"prisma-client\"\n  output   = \"./gen\"\n}\n\ndatasource db {\n  provider = \"postgresql\"\n}\n\nmodel Author {\n  id    Int    @id @default(autoincrement())\n  email String @unique\n  name  String\n  books Book[]\n\n  @@map(\"prisma_author\")\n}\n\nmodel Book {\n  id       Int    @id @default(autoincrement())\n  title    String\n  pages    Int\n  author   Author @relation(fields: [authorId], references: [id])\n  authorId Int    @map(\"author_id\")\n\n  @@map(\"prisma_book\")\n}\n",
  "runtimeDataModel": {
    "models": {},
    "enums": {},
    "types": {}
  },
  "parameterizationSchema": {
    "strings": [],
    "graph": ""
  }
}

config.runtimeDataModel = JSON.parse("{\"models\":{\"Author\":{\"fields\":[{\"name\":\"id\",\"kind\":\"scalar\",\"type\":\"Int\"},{\"name\":\"email\",\"kind\":\"scalar\",\"type\":\"String\"},{\"name\":\"name\",\"kind\":\"scalar\",\"type\":\"String\"},{\"name\":\"books\",\"kind\":\"object\",\"type\":\"Book\",\"relationName\":\"AuthorToBook\"}],\"dbName\":\"prisma_author\",\"schema\":null},\"Book\":{\"fields\":[{\"name\":\"id\",\"kind\":\"scalar\",\"type\":\"Int\"},{\"name\":\"title\",\"kind\":\"scalar\",\"type\":\"String\"},{\"name\":\"pages\",\"kind\":\"scalar\",\"type\":\"Int\"},{\"name\":\"author\",\"kind\":\"object\",\"type\":\"Author\",\"relationName\":\"AuthorToBook\"},{\"name\":\"authorId\",\"kind\":\"scalar\",\"type\":\"Int\",\"dbName\":\"author_id\"}],\"dbName\":\"prisma_book\",\"schema\":null}},\"enums\":{},\"types\":{}}")
config.parameterizationSchema = {
  strings: JSON.parse("[\"where\",\"orderBy\",\"cursor\",\"author\",\"books\",\"_count\",\"Author.findUnique\",\"Author.findUniqueOrThrow\",\"Author.findFirst\",\"Author.findFirstOrThrow\",\"Author.findMany\",\"data\",\"Author.createOne\",\"Author.createMany\",\"Author.createManyAndReturn\",\"Author.updateOne\",\"Author.updateMany\",\"Author.updateManyAndReturn\",\"create\",\"update\",\"Author.upsertOne\",\"Author.deleteOne\",\"Author.deleteMany\",\"having\",\"_avg\",\"_sum\",\"_min\",\"_max\",\"Author.groupBy\",\"Author.aggregate\",\"Book.findUnique\",\"Book.findUniqueOrThrow\",\"Book.findFirst\",\"Book.findFirstOrThrow\",\"Book.findMany\",\"Book.createOne\",\"Book.createMany\",\"Book.createManyAndReturn\",\"Book.updateOne\",\"Book.updateMany\",\"Book.updateManyAndReturn\",\"Book.upsertOne\",\"Book.deleteOne\",\"Book.deleteMany\",\"Book.groupBy\",\"Book.aggregate\",\"AND\",\"OR\",\"NOT\",\"id\",\"title\",\"pages\",\"authorId\",\"equals\",\"in\",\"notIn\",\"lt\",\"lte\",\"gt\",\"gte\",\"contains\",\"startsWith\",\"endsWith\",\"not\",\"email\",\"name\",\"every\",\"some\",\"none\",\"is\",\"isNot\",\"connectOrCreate\",\"upsert\",\"createMany\",\"set\",\"disconnect\",\"delete\",\"connect\",\"updateMany\",\"deleteMany\",\"increment\",\"decrement\",\"multiply\",\"divide\"]"),
  graph: "ZxYgBwQAAEEAIC4AAD4AMC8AAAkAEDAAAD4AMDECAAAAAUABAAAAAUEBAEAAIQEAAAABACAIAwAAQwAgLgAAQgAwLwAAAwAQMAAAQgAwMQIAPwAhMgEAQAAhMwIAPwAhNAIAPwAhAQMAAGEAIAgDAABDACAuAABCADAvAAADABAwAABCADAxAgAAAAEyAQBAACEzAgA_ACE0AgA_ACEDAAAAAwAgAQAABAAwAgAABQAgAQAAAAMAIAEAAAABACAHBAAAQQAgLgAAPgAwLwAACQAQMAAAPgAwMQIAPwAhQAEAQAAhQQEAQAAhAQQAAGAAIAMAAAAJACABAAAKADACAAABACADAAAACQAgAQAACgAwAgAAAQAgAwAAAAkAIAEAAAoAMAIAAAEAIAQEAABfACAxAgAAAAFAAQAAAAFBAQAAAAEBCwAADgAgAzECAAAAAUABAAAAAUEBAAAAAQELAAAQADABCwAAEAAwBAQAAFIAIDECAEoAIUABAEkAIUEBAEkAIQIAAAABACALAAATACADMQIASgAhQAEASQAhQQEASQAhAgAAAAkAIAsAABUAIAIAAAAJACALAAAVACADAAAAAQAgEgAADgAgEwAAEwAgAQAAAAEAIAEAAAAJACAFBQAATQAgGAAATgAgGQAAUQAgGgAAUAAgGwAATwAgBi4AAD0AMC8AABwAEDAAAD0AMDECADYAIUABADcAIUEBADcAIQMAAAAJACABAAAbADAXAAAcACADAAAACQAgAQAACgAwAgAAAQAgAQAAAAUAIAEAAAAFACADAAAAAwAgAQAABAAwAgAABQAgAwAAAAMAIAEAAAQAMAIAAAUAIAMAAAADACABAAAEADACAAAFACAFAwAATAAgMQIAAAABMgEAAAABMwIAAAABNAIAAAABAQsAACQAIAQxAgAAAAEyAQAAAAEzAgAAAAE0AgAAAAEBCwAAJgAwAQsAACYAMAUDAABLACAxAgBKACEyAQBJACEzAgBKACE0AgBKACECAAAABQAgCwAAKQAgBDECAEoAITIBAEkAITMCAEoAITQCAEoAIQIAAAADACALAAArACACAAAAAwAgCwAAKwAgAwAAAAUAIBIAACQAIBMAACkAIAEAAAAFACABAAAAAwAgBQUAAEQAIBgAAEUAIBkAAEgAIBoAAEcAIBsAAEYAIAcuAAA1ADAvAAAyABAwAAA1ADAxAgA2ACEyAQA3ACEzAgA2ACE0AgA2ACEDAAAAAwAgAQAAMQAwFwAAMgAgAwAAAAMAIAEAAAQAMAIAAAUAIAcuAAA1ADAvAAAyABAwAAA1ADAxAgA2ACEyAQA3ACEzAgA2ACE0AgA2ACENBQAAOQAgGAAAPAAgGQAAOQAgGgAAOQAgGwAAOQAgNQIAAAABNgIAAAAENwIAAAAEOAIAAAABOQIAAAABOgIAAAABOwIAAAABPwIAOwAhDgUAADkAIBoAADoAIBsAADoAIDUBAAAAATYBAAAABDcBAAAABDgBAAAAATkBAAAAAToBAAAAATsBAAAAATwBAAAAAT0BAAAAAT4BAAAAAT8BADgAIQ4FAAA5ACAaAAA6ACAbAAA6ACA1AQAAAAE2AQAAAAQ3AQAAAAQ4AQAAAAE5AQAAAAE6AQAAAAE7AQAAAAE8AQAAAAE9AQAAAAE-AQAAAAE_AQA4ACEINQIAAAABNgIAAAAENwIAAAAEOAIAAAABOQIAAAABOgIAAAABOwIAAAABPwIAOQAhCzUBAAAAATYBAAAABDcBAAAABDgBAAAAATkBAAAAAToBAAAAATsBAAAAATwBAAAAAT0BAAAAAT4BAAAAAT8BADoAIQ0FAAA5ACAYAAA8ACAZAAA5ACAaAAA5ACAbAAA5ACA1AgAAAAE2AgAAAAQ3AgAAAAQ4AgAAAAE5AgAAAAE6AgAAAAE7AgAAAAE_AgA7ACEINQgAAAABNggAAAAENwgAAAAEOAgAAAABOQgAAAABOggAAAABOwgAAAABPwgAPAAhBi4AAD0AMC8AABwAEDAAAD0AMDECADYAIUABADcAIUEBADcAIQcEAABBACAuAAA-ADAvAAAJABAwAAA-ADAxAgA_ACFAAQBAACFBAQBAACEINQIAAAABNgIAAAAENwIAAAAEOAIAAAABOQIAAAABOgIAAAABOwIAAAABPwIAOQAhCzUBAAAAATYBAAAABDcBAAAABDgBAAAAATkBAAAAAToBAAAAATsBAAAAATwBAAAAAT0BAAAAAT4BAAAAAT8BADoAIQNCAAADACBDAAADACBEAAADACAIAwAAQwAgLgAAQgAwLwAAAwAQMAAAQgAwMQIAPwAhMgEAQAAhMwIAPwAhNAIAPwAhCQQAAEEAIC4AAD4AMC8AAAkAEDAAAD4AMDECAD8AIUABAEAAIUEBAEAAIUUAAAkAIEYAAAkAIAAAAAAAAUoBAAAAAQVKAgAAAAFQAgAAAAFRAgAAAAFSAgAAAAFTAgAAAAEFEgAAYwAgEwAAZgAgRwAAZAAgSAAAZQAgTQAAAQAgAxIAAGMAIEcAAGQAIE0AAAEAIAAAAAAACxIAAFMAMBMAAFgAMEcAAFQAMEgAAFUAMEkAAFYAIEoAAFcAMEsAAFcAMEwAAFcAME0AAFcAME4AAFkAME8AAFoAMAMxAgAAAAEyAQAAAAEzAgAAAAECAAAABQAgEgAAXgAgAwAAAAUAIBIAAF4AIBMAAF0AIAELAABiADAIAwAAQwAgLgAAQgAwLwAAAwAQMAAAQgAwMQIAAAABMgEAQAAhMwIAPwAhNAIAPwAhAgAAAAUAIAsAAF0AIAIAAABbACALAABcACAHLgAAWgAwLwAAWwAQMAAAWgAwMQIAPwAhMgEAQAAhMwIAPwAhNAIAPwAhBy4AAFoAMC8AAFsAEDAAAFoAMDECAD8AITIBAEAAITMCAD8AITQCAD8AIQMxAgBKACEyAQBJACEzAgBKACEDMQIASgAhMgEASQAhMwIASgAhAzECAAAAATIBAAAAATMCAAAAAQQSAABTADBHAABUADBJAABWACBNAABXADAAAQQAAGAAIAMxAgAAAAEyAQAAAAEzAgAAAAEDMQIAAAABQAEAAAABQQEAAAABAgAAAAEAIBIAAGMAIAMAAAAJACASAABjACATAABnACAFAAAACQAgCwAAZwAgMQIASgAhQAEASQAhQQEASQAhAzECAEoAIUABAEkAIUEBAEkAIQIEBgIFAAMBAwABAQQHAAAAAAUFAAgYAAkZAAoaAAsbAAwAAAAAAAUFAAgYAAkZAAoaAAsbAAwBAwABAQMAAQUFABEYABIZABMaABQbABUAAAAAAAUFABEYABIZABMaABQbABUGAgEHCAEICwEJDAEKDQEMDwENEQQOEgUPFAEQFgQRFwYUGAEVGQEWGgQcHQcdHg0eHwIfIAIgIQIhIgIiIwIjJQIkJwQlKA4mKgInLAQoLQ8pLgIqLwIrMAQsMxAtNBY"
}

async function decodeBase64AsWasm(wasmBase64) {
  const { Buffer } = await import('node:buffer')
  const wasmArray = Buffer.from(wasmBase64, 'base64')
  return new WebAssembly.Module(wasmArray)
}

config.compilerWasm = {
  getRuntime: async () => await import("@prisma/client/runtime/query_compiler_fast_bg.postgresql.mjs"),

  getQueryCompilerWasmModule: async () => {
    const { wasm } = await import("@prisma/client/runtime/query_compiler_fast_bg.postgresql.wasm-base64.mjs")
    return await decodeBase64AsWasm(wasm)
  },

  importName: "./query_compiler_fast_bg.js"
}

export const PrismaClient = runtime.getPrismaClient(config);
