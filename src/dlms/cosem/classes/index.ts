/** Every interface class that this room knows: one line a class. */

import type { InterfaceClass } from '../interface-class.ts';
import { DATA } from './1-data.ts';
import { REGISTER } from './3-register.ts';
import { EXTENDED_REGISTER } from './4-extended-register.ts';
import { DEMAND_REGISTER } from './5-demand-register.ts';
import { REGISTER_ACTIVATION } from './6-register-activation.ts';
import { PROFILE_GENERIC } from './7-profile-generic.ts';
import { CLOCK } from './8-clock.ts';
import { SCRIPT_TABLE } from './9-script-table.ts';
import { SCHEDULE } from './10-schedule.ts';
import { SPECIAL_DAYS_TABLE } from './11-special-days-table.ts';
import { ASSOCIATION_SN } from './12-association-sn.ts';
import { ASSOCIATION_LN } from './15-association-ln.ts';
import { SAP_ASSIGNMENT } from './17-sap-assignment.ts';
import { IMAGE_TRANSFER } from './18-image-transfer.ts';
import { IEC_LOCAL_PORT_SETUP } from './19-iec-local-port-setup.ts';
import { ACTIVITY_CALENDAR } from './20-activity-calendar.ts';
import { REGISTER_MONITOR } from './21-register-monitor.ts';
import { SINGLE_ACTION_SCHEDULE } from './22-single-action-schedule.ts';
import { HDLC_SETUP } from './23-hdlc-setup.ts';
import { IEC_TWISTED_PAIR_SETUP } from './24-iec-twisted-pair-setup.ts';
import { MBUS_SLAVE_PORT_SETUP } from './25-mbus-slave-port-setup.ts';
import { UTILITY_TABLES } from './26-utility-tables.ts';
import { MODEM_CONFIGURATION } from './27-modem-configuration.ts';
import { AUTO_ANSWER } from './28-auto-answer.ts';
import { AUTO_CONNECT } from './29-auto-connect.ts';
import { DATA_PROTECTION } from './30-data-protection.ts';
import { PUSH_SETUP } from './40-push-setup.ts';
import { TCP_UDP_SETUP } from './41-tcp-udp-setup.ts';
import { IPV4_SETUP } from './42-ipv4-setup.ts';
import { MAC_ADDRESS_SETUP } from './43-mac-address-setup.ts';
import { PPP_SETUP } from './44-ppp-setup.ts';
import { GPRS_MODEM_SETUP } from './45-gprs-modem-setup.ts';
import { SMTP_SETUP } from './46-smtp-setup.ts';
import { GSM_DIAGNOSTIC } from './47-gsm-diagnostic.ts';
import { IPV6_SETUP } from './48-ipv6-setup.ts';
import { S_FSK_PHY_MAC_SETUP } from './50-s-fsk-phy-mac-setup.ts';
import { S_FSK_ACTIVE_INITIATOR } from './51-s-fsk-active-initiator.ts';
import { S_FSK_MAC_SYNCHRONIZATION_TIMEOUTS } from './52-s-fsk-mac-synchronization-timeouts.ts';
import { S_FSK_MAC_COUNTERS } from './53-s-fsk-mac-counters.ts';
import { IEC_61334_LLC_SETUP } from './55-iec-61334-llc-setup.ts';
import { S_FSK_REPORTING_SYSTEM_LIST } from './56-s-fsk-reporting-system-list.ts';
import { LLC_TYPE_1_SETUP } from './57-llc-type-1-setup.ts';
import { LLC_TYPE_2_SETUP } from './58-llc-type-2-setup.ts';
import { LLC_TYPE_3_SETUP } from './59-llc-type-3-setup.ts';
import { REGISTER_TABLE } from './61-register-table.ts';
import { COMPACT_DATA } from './62-compact-data.ts';
import { STATUS_MAPPING } from './63-status-mapping.ts';
import { SECURITY_SETUP } from './64-security-setup.ts';
import { PARAMETER_MONITOR } from './65-parameter-monitor.ts';
import { SENSOR_MANAGER } from './67-sensor-manager.ts';
import { ARBITRATOR } from './68-arbitrator.ts';
import { DISCONNECT_CONTROL } from './70-disconnect-control.ts';
import { LIMITER } from './71-limiter.ts';
import { MBUS_CLIENT } from './72-mbus-client.ts';
import { WIRELESS_MODE_Q } from './73-wireless-mode-q.ts';
import { MBUS_MASTER_PORT_SETUP } from './74-mbus-master-port-setup.ts';
import { MBUS_SERVER_PORT_SETUP } from './76-mbus-server-port-setup.ts';
import { MBUS_DIAGNOSTIC } from './77-mbus-diagnostic.ts';
import { PRIME_LLC_SSCS_SETUP } from './80-prime-llc-sscs-setup.ts';
import { PRIME_PHYSICAL_LAYER_COUNTERS } from './81-prime-physical-layer-counters.ts';
import { PRIME_MAC_SETUP } from './82-prime-mac-setup.ts';
import { PRIME_MAC_FUNCTIONAL_PARAMETERS } from './83-prime-mac-functional-parameters.ts';
import { PRIME_MAC_COUNTERS } from './84-prime-mac-counters.ts';
import { PRIME_NETWORK_ADMINISTRATION } from './85-prime-network-administration.ts';
import { PRIME_APPLICATION_IDENTIFICATION } from './86-prime-application-identification.ts';
import { G3_MAC_COUNTERS } from './90-g3-mac-counters.ts';
import { G3_MAC_SETUP } from './91-g3-mac-setup.ts';
import { G3_6LOWPAN_SETUP } from './92-g3-6lowpan-setup.ts';
import { NTP_SETUP } from './100-ntp-setup.ts';
import { ZIGBEE_SAS_STARTUP } from './101-zigbee-sas-startup.ts';
import { ZIGBEE_SAS_JOIN } from './102-zigbee-sas-join.ts';
import { ZIGBEE_SAS_APS_FRAGMENTATION } from './103-zigbee-sas-aps-fragmentation.ts';
import { ZIGBEE_NETWORK_CONTROL } from './104-zigbee-network-control.ts';
import { ZIGBEE_TUNNEL_SETUP } from './105-zigbee-tunnel-setup.ts';
import { ACCOUNT } from './111-account.ts';
import { CREDIT } from './112-credit.ts';
import { CHARGE } from './113-charge.ts';
import { TOKEN_GATEWAY } from './115-token-gateway.ts';
import { STS_ATTRIBUTES } from './116-sts-attributes.ts';
import { FUNCTION_CONTROL } from './122-function-control.ts';
import { ARRAY_MANAGER } from './123-array-manager.ts';
import { COMMUNICATION_PORT_PROTECTION } from './124-communication-port-protection.ts';
import { LTE_MONITORING } from './151-lte-monitoring.ts';
import { COAP_SETUP } from './152-coap-setup.ts';
import { COAP_DIAGNOSTIC } from './153-coap-diagnostic.ts';
import { ATTESTATION } from './170-attestation.ts';

/** Classes and versions, by number and then by version. */
export const INTERFACE_CLASSES: readonly InterfaceClass[] = [
  ...DATA,
  ...REGISTER,
  ...EXTENDED_REGISTER,
  ...DEMAND_REGISTER,
  ...REGISTER_ACTIVATION,
  ...PROFILE_GENERIC,
  ...CLOCK,
  ...SCRIPT_TABLE,
  ...SCHEDULE,
  ...SPECIAL_DAYS_TABLE,
  ...ASSOCIATION_SN,
  ...ASSOCIATION_LN,
  ...SAP_ASSIGNMENT,
  ...IMAGE_TRANSFER,
  ...IEC_LOCAL_PORT_SETUP,
  ...ACTIVITY_CALENDAR,
  ...REGISTER_MONITOR,
  ...SINGLE_ACTION_SCHEDULE,
  ...HDLC_SETUP,
  ...IEC_TWISTED_PAIR_SETUP,
  ...MBUS_SLAVE_PORT_SETUP,
  ...UTILITY_TABLES,
  ...MODEM_CONFIGURATION,
  ...AUTO_ANSWER,
  ...AUTO_CONNECT,
  ...DATA_PROTECTION,
  ...PUSH_SETUP,
  ...TCP_UDP_SETUP,
  ...IPV4_SETUP,
  ...MAC_ADDRESS_SETUP,
  ...PPP_SETUP,
  ...GPRS_MODEM_SETUP,
  ...SMTP_SETUP,
  ...GSM_DIAGNOSTIC,
  ...IPV6_SETUP,
  ...S_FSK_PHY_MAC_SETUP,
  ...S_FSK_ACTIVE_INITIATOR,
  ...S_FSK_MAC_SYNCHRONIZATION_TIMEOUTS,
  ...S_FSK_MAC_COUNTERS,
  ...IEC_61334_LLC_SETUP,
  ...S_FSK_REPORTING_SYSTEM_LIST,
  ...LLC_TYPE_1_SETUP,
  ...LLC_TYPE_2_SETUP,
  ...LLC_TYPE_3_SETUP,
  ...REGISTER_TABLE,
  ...COMPACT_DATA,
  ...STATUS_MAPPING,
  ...SECURITY_SETUP,
  ...PARAMETER_MONITOR,
  ...SENSOR_MANAGER,
  ...ARBITRATOR,
  ...DISCONNECT_CONTROL,
  ...LIMITER,
  ...MBUS_CLIENT,
  ...WIRELESS_MODE_Q,
  ...MBUS_MASTER_PORT_SETUP,
  ...MBUS_SERVER_PORT_SETUP,
  ...MBUS_DIAGNOSTIC,
  ...PRIME_LLC_SSCS_SETUP,
  ...PRIME_PHYSICAL_LAYER_COUNTERS,
  ...PRIME_MAC_SETUP,
  ...PRIME_MAC_FUNCTIONAL_PARAMETERS,
  ...PRIME_MAC_COUNTERS,
  ...PRIME_NETWORK_ADMINISTRATION,
  ...PRIME_APPLICATION_IDENTIFICATION,
  ...G3_MAC_COUNTERS,
  ...G3_MAC_SETUP,
  ...G3_6LOWPAN_SETUP,
  ...NTP_SETUP,
  ...ZIGBEE_SAS_STARTUP,
  ...ZIGBEE_SAS_JOIN,
  ...ZIGBEE_SAS_APS_FRAGMENTATION,
  ...ZIGBEE_NETWORK_CONTROL,
  ...ZIGBEE_TUNNEL_SETUP,
  ...ACCOUNT,
  ...CREDIT,
  ...CHARGE,
  ...TOKEN_GATEWAY,
  ...STS_ATTRIBUTES,
  ...FUNCTION_CONTROL,
  ...ARRAY_MANAGER,
  ...COMMUNICATION_PORT_PROTECTION,
  ...LTE_MONITORING,
  ...COAP_SETUP,
  ...COAP_DIAGNOSTIC,
  ...ATTESTATION,
];

/** Which tables may be used. */
export interface ClassRules {
  /** Also those that were written from memory alone (`ClassCertainty` 0); without it the class or version is unknown. */
  readonly unsureClasses?: boolean;
}

/**
 * The table of a class. Of an unknown version, the nearest lower one (or the lowest); `exact` says so. Undefined for an
 * unknown class.
 */
export function interfaceClassOf(
  id: number,
  version: number,
  rules: ClassRules = {},
): { readonly table: InterfaceClass; readonly exact: boolean } | undefined {
  const versions = INTERFACE_CLASSES.filter((entry) => entry.id === id && isUsable(entry, rules));
  const table = versions.findLast((entry) => entry.version <= version) ?? versions[0];
  return table === undefined ? undefined : { table, exact: table.version === version };
}

function isUsable({ certainty }: InterfaceClass, { unsureClasses = false }: ClassRules): boolean {
  return unsureClasses || certainty.names > 0;
}

/** Name of an attribute in the newest version of its class, or undefined. */
export function attributeName(classId: number, attributeId: number, rules: ClassRules = {}): string | undefined {
  const table = interfaceClassOf(classId, 255, rules)?.table;
  return table?.attributes.find((attribute) => attribute.index === attributeId)?.name;
}

/** Name of a method in the newest version of its class, or undefined. */
export function methodName(classId: number, methodId: number, rules: ClassRules = {}): string | undefined {
  const table = interfaceClassOf(classId, 255, rules)?.table;
  return table?.methods.find((method) => method.index === methodId)?.name;
}
