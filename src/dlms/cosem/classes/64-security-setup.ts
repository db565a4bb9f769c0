/** Security setup, class 64 (names and order agree in three public code bases, types in two). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 64. */
export const SECURITY_SETUP: readonly InterfaceClass[] = [
  {
    id: 64,
    version: 0,
    name: 'Security setup',
    certainty: { names: 3, types: 2 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'security_policy',
        type: 'enum',
        access: 'read-write',
        values: {
          0: 'nothing',
          1: 'all messages authenticated',
          2: 'all messages encrypted',
          3: 'all messages authenticated and encrypted',
        },
      },
      {
        index: 3,
        name: 'security_suite',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'AES-GCM-128', 1: 'AES-GCM-128, ECDSA P-256', 2: 'AES-GCM-256, ECDSA P-384' },
      },
      { index: 4, name: 'client_system_title', type: 'octet-string', access: 'read-write', detail: 'size 8' },
      { index: 5, name: 'server_system_title', type: 'octet-string', access: 'read', detail: 'size 8' },
    ],
    methods: [
      { index: 1, name: 'security_activate', argument: 'enum' },
      { index: 2, name: 'global_key_transfer', argument: 'array', detail: '{key_id en, key_wrapped os}' },
    ],
    note: 'policy 0 none 1 all messages authenticated 2 encrypted 3 both; key_id 0 GUEK 1 GBEK 2 GAK',
  },
  {
    id: 64,
    version: 1,
    name: 'Security setup',
    certainty: { names: 3, types: 2 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'security_policy', type: 'enum', access: 'read-write' },
      {
        index: 3,
        name: 'security_suite',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'AES-GCM-128', 1: 'AES-GCM-128, ECDSA P-256', 2: 'AES-GCM-256, ECDSA P-384' },
      },
      { index: 4, name: 'client_system_title', type: 'octet-string', access: 'read-write', detail: 'size 8' },
      { index: 5, name: 'server_system_title', type: 'octet-string', access: 'read', detail: 'size 8' },
      {
        index: 6,
        name: 'certificates',
        type: 'array',
        access: 'read',
        detail: '{entity en, type en, serial_number os, issuer os, subject os, subject_alt_name os}',
        fieldValues: {
          entity: { 0: 'server', 1: 'client', 2: 'certification authority', 3: 'other' },
          type: { 0: 'signature', 1: 'key agreement', 2: 'TLS', 3: 'other' },
        },
      },
    ],
    methods: [
      { index: 1, name: 'security_activate', argument: 'enum' },
      { index: 2, name: 'key_transfer', argument: 'array', detail: '{key_id en, key_wrapped os}' },
      { index: 3, name: 'key_agreement', argument: 'array', detail: '{key_id en, key_data os}' },
      { index: 4, name: 'generate_key_pair', argument: 'enum' },
      { index: 5, name: 'generate_certificate_request', argument: 'enum' },
      { index: 6, name: 'import_certificate', argument: 'octet-string' },
      { index: 7, name: 'export_certificate', argument: 'structure', detail: 'CI' },
      { index: 8, name: 'remove_certificate', argument: 'structure', detail: 'CI' },
    ],
    note: 'policy bit set: 04 auth req 08 enc req 10 signed req 20 auth resp 40 enc resp 80 signed resp; key_id 0 GUEK 1 GBEK 2 GAK 3 KEK; entity 0 server 1 client 2 CA 3 other; type 0 signature 1 agreement 2 TLS 3 other; CI = st{kind en, options st}: kind 0 {entity en, type en, system_title os}, kind 1 {serial os, issuer os}',
  },
];
