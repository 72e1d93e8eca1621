"""Licences of the SPDX License List 3.29.0 (https://spdx.org/licenses/): id and full name, one a line.

Those that the OSI has approved, and those that catalogues of models and data use beside them.
"""

# ruff: noqa: E501, RUF001

from __future__ import annotations

from typing import Final

LICENCES: Final = """\
0BSD BSD Zero Clause License
AAL Attribution Assurance License
AFL-1.1 Academic Free License v1.1
AFL-1.2 Academic Free License v1.2
AFL-2.0 Academic Free License v2.0
AFL-2.1 Academic Free License v2.1
AFL-3.0 Academic Free License v3.0
AGPL-1.0 Affero General Public License v1.0
AGPL-1.0-only Affero General Public License v1.0 only
AGPL-1.0-or-later Affero General Public License v1.0 or later
AGPL-3.0 GNU Affero General Public License v3.0
AGPL-3.0-only GNU Affero General Public License v3.0 only
AGPL-3.0-or-later GNU Affero General Public License v3.0 or later
ALGLIB-Documentation ALGLIB Documentation License
Apache-1.0 Apache License 1.0
Apache-1.1 Apache License 1.1
Apache-2.0 Apache License 2.0
APL-1.0 Adaptive Public License 1.0
APSL-1.0 Apple Public Source License 1.0
APSL-1.1 Apple Public Source License 1.1
APSL-1.2 Apple Public Source License 1.2
APSL-2.0 Apple Public Source License 2.0
Artistic-1.0 Artistic License 1.0
Artistic-1.0-cl8 Artistic License 1.0 w/clause 8
Artistic-1.0-Perl Artistic License 1.0 (Perl)
Artistic-2.0 Artistic License 2.0
Artistic-dist Artistic License 1.0 (dist)
BlueOak-1.0.0 Blue Oak Model License 1.0.0
BSD-1-Clause BSD 1-Clause License
BSD-2-Clause BSD 2-Clause "Simplified" License
BSD-2-Clause-Darwin BSD 2-Clause - Ian Darwin variant
BSD-2-Clause-first-lines BSD 2-Clause - first lines requirement
BSD-2-Clause-FreeBSD BSD 2-Clause FreeBSD License
BSD-2-Clause-NetBSD BSD 2-Clause NetBSD License
BSD-2-Clause-Patent BSD-2-Clause Plus Patent License
BSD-2-Clause-pkgconf-disclaimer BSD 2-Clause pkgconf disclaimer variant
BSD-2-Clause-pos-unchanged BSD 2-Clause - position unchanged variant
BSD-2-Clause-Views BSD 2-Clause with views sentence
BSD-3-Clause BSD 3-Clause "New" or "Revised" License
BSD-3-Clause-acpica BSD 3-Clause acpica variant
BSD-3-Clause-Attribution BSD with attribution
BSD-3-Clause-Clear BSD 3-Clause Clear License
BSD-3-Clause-flex BSD 3-Clause Flex variant
BSD-3-Clause-HP Hewlett-Packard BSD variant license
BSD-3-Clause-LBNL Lawrence Berkeley National Labs BSD variant license
BSD-3-Clause-Modification BSD 3-Clause Modification
BSD-3-Clause-No-Military-License BSD 3-Clause No Military License
BSD-3-Clause-No-Nuclear-License BSD 3-Clause No Nuclear License
BSD-3-Clause-No-Nuclear-License-2014 BSD 3-Clause No Nuclear License 2014
BSD-3-Clause-No-Nuclear-Warranty BSD 3-Clause No Nuclear Warranty
BSD-3-Clause-Open-MPI BSD 3-Clause Open MPI variant
BSD-3-Clause-OpenWebUI BSD 3-Clause - OpenWebUI variant
BSD-3-Clause-Sun BSD 3-Clause Sun Microsystems
BSD-3-Clause-Tso BSD 3-Clause Tso variant
BSD-4-Clause BSD 4-Clause "Original" or "Old" License
BSD-4-Clause-Shortened BSD 4 Clause Shortened
BSD-4-Clause-UC BSD-4-Clause (University of California-Specific)
BSD-4.3RENO BSD 4.3 RENO License
BSD-4.3TAHOE BSD 4.3 TAHOE License
BSD-Advertising-Acknowledgement BSD Advertising Acknowledgement License
BSD-ask-to-endorse BSD - ask to endorse
BSD-Attribution-HPND-disclaimer BSD with Attribution and HPND disclaimer
BSD-Inferno-Nettverk BSD-Inferno-Nettverk
BSD-Mark-Modifications BSD Mark Modifications License
BSD-Protection BSD Protection License
BSD-Source-alt-GPL BSD Source Code Attribution - GPL alternative
BSD-Source-beginning-file BSD Source Code Attribution - beginning of file variant
BSD-Source-Code BSD Source Code Attribution
BSD-Source-Code-no-disclaimer BSD Source Code Attribution - no disclaimer
BSD-Systemics Systemics BSD variant license
BSD-Systemics-W3Works Systemics W3Works BSD variant license
BSL-1.0 Boost Software License 1.0
BUSL-1.1 Business Source License 1.1
C-UDA-1.0 Computational Use of Data Agreement v1.0
CAL-1.0 Cryptographic Autonomy License 1.0
CAL-1.0-Combined-Work-Exception Cryptographic Autonomy License 1.0 (Combined Work Exception)
CATOSL-1.1 Computer Associates Trusted Open Source License 1.1
CC-BY-1.0 Creative Commons Attribution 1.0 Generic
CC-BY-2.0 Creative Commons Attribution 2.0 Generic
CC-BY-2.5 Creative Commons Attribution 2.5 Generic
CC-BY-2.5-AU Creative Commons Attribution 2.5 Australia
CC-BY-3.0 Creative Commons Attribution 3.0 Unported
CC-BY-3.0-AT Creative Commons Attribution 3.0 Austria
CC-BY-3.0-AU Creative Commons Attribution 3.0 Australia
CC-BY-3.0-DE Creative Commons Attribution 3.0 Germany
CC-BY-3.0-IGO Creative Commons Attribution 3.0 IGO
CC-BY-3.0-NL Creative Commons Attribution 3.0 Netherlands
CC-BY-3.0-US Creative Commons Attribution 3.0 United States
CC-BY-4.0 Creative Commons Attribution 4.0 International
CC-BY-NC-1.0 Creative Commons Attribution Non Commercial 1.0 Generic
CC-BY-NC-2.0 Creative Commons Attribution Non Commercial 2.0 Generic
CC-BY-NC-2.5 Creative Commons Attribution Non Commercial 2.5 Generic
CC-BY-NC-3.0 Creative Commons Attribution Non Commercial 3.0 Unported
CC-BY-NC-3.0-DE Creative Commons Attribution Non Commercial 3.0 Germany
CC-BY-NC-3.0-IGO Creative Commons Attribution Non Commercial 3.0 IGO
CC-BY-NC-4.0 Creative Commons Attribution Non Commercial 4.0 International
CC-BY-NC-ND-1.0 Creative Commons Attribution Non Commercial No Derivatives 1.0 Generic
CC-BY-NC-ND-2.0 Creative Commons Attribution Non Commercial No Derivatives 2.0 Generic
CC-BY-NC-ND-2.5 Creative Commons Attribution Non Commercial No Derivatives 2.5 Generic
CC-BY-NC-ND-3.0 Creative Commons Attribution Non Commercial No Derivatives 3.0 Unported
CC-BY-NC-ND-3.0-DE Creative Commons Attribution Non Commercial No Derivatives 3.0 Germany
CC-BY-NC-ND-3.0-IGO Creative Commons Attribution Non Commercial No Derivatives 3.0 IGO
CC-BY-NC-ND-4.0 Creative Commons Attribution Non Commercial No Derivatives 4.0 International
CC-BY-NC-SA-1.0 Creative Commons Attribution Non Commercial Share Alike 1.0 Generic
CC-BY-NC-SA-2.0 Creative Commons Attribution Non Commercial Share Alike 2.0 Generic
CC-BY-NC-SA-2.0-DE Creative Commons Attribution Non Commercial Share Alike 2.0 Germany
CC-BY-NC-SA-2.0-FR Creative Commons Attribution-NonCommercial-ShareAlike 2.0 France
CC-BY-NC-SA-2.0-UK Creative Commons Attribution Non Commercial Share Alike 2.0 England and Wales
CC-BY-NC-SA-2.5 Creative Commons Attribution Non Commercial Share Alike 2.5 Generic
CC-BY-NC-SA-3.0 Creative Commons Attribution Non Commercial Share Alike 3.0 Unported
CC-BY-NC-SA-3.0-DE Creative Commons Attribution Non Commercial Share Alike 3.0 Germany
CC-BY-NC-SA-3.0-IGO Creative Commons Attribution Non Commercial Share Alike 3.0 IGO
CC-BY-NC-SA-4.0 Creative Commons Attribution Non Commercial Share Alike 4.0 International
CC-BY-ND-1.0 Creative Commons Attribution No Derivatives 1.0 Generic
CC-BY-ND-2.0 Creative Commons Attribution No Derivatives 2.0 Generic
CC-BY-ND-2.5 Creative Commons Attribution No Derivatives 2.5 Generic
CC-BY-ND-3.0 Creative Commons Attribution No Derivatives 3.0 Unported
CC-BY-ND-3.0-DE Creative Commons Attribution No Derivatives 3.0 Germany
CC-BY-ND-4.0 Creative Commons Attribution No Derivatives 4.0 International
CC-BY-SA-1.0 Creative Commons Attribution Share Alike 1.0 Generic
CC-BY-SA-2.0 Creative Commons Attribution Share Alike 2.0 Generic
CC-BY-SA-2.0-UK Creative Commons Attribution Share Alike 2.0 England and Wales
CC-BY-SA-2.1-JP Creative Commons Attribution Share Alike 2.1 Japan
CC-BY-SA-2.5 Creative Commons Attribution Share Alike 2.5 Generic
CC-BY-SA-3.0 Creative Commons Attribution Share Alike 3.0 Unported
CC-BY-SA-3.0-AT Creative Commons Attribution Share Alike 3.0 Austria
CC-BY-SA-3.0-DE Creative Commons Attribution Share Alike 3.0 Germany
CC-BY-SA-3.0-IGO Creative Commons Attribution-ShareAlike 3.0 IGO
CC-BY-SA-4.0 Creative Commons Attribution Share Alike 4.0 International
CC-PDDC Creative Commons Public Domain Dedication and Certification
CC-PDM-1.0 Creative    Commons Public Domain Mark 1.0 Universal
CC-SA-1.0 Creative Commons Share Alike 1.0 Generic
CC0-1.0 Creative Commons Zero v1.0 Universal
CDDL-1.0 Common Development and Distribution License 1.0
CDDL-1.1 Common Development and Distribution License 1.1
CDLA-Permissive-1.0 Community Data License Agreement Permissive 1.0
CDLA-Permissive-2.0 Community Data License Agreement Permissive 2.0
CDLA-Sharing-1.0 Community Data License Agreement Sharing 1.0
CECILL-1.0 CeCILL Free Software License Agreement v1.0
CECILL-1.1 CeCILL Free Software License Agreement v1.1
CECILL-2.0 CeCILL Free Software License Agreement v2.0
CECILL-2.1 CeCILL Free Software License Agreement v2.1
CECILL-B CeCILL-B Free Software License Agreement
CECILL-C CeCILL-C Free Software License Agreement
CERN-OHL-P-2.0 CERN Open Hardware Licence Version 2 - Permissive
CERN-OHL-S-2.0 CERN Open Hardware Licence Version 2 - Strongly Reciprocal
CERN-OHL-W-2.0 CERN Open Hardware Licence Version 2 - Weakly Reciprocal
CNRI-Python CNRI Python License
CNRI-Python-GPL-Compatible CNRI Python Open Source GPL Compatible License Agreement
COIL-1.0 Copyfree Open Innovation License
Community-Spec-1.0 Community Specification License 1.0
CPAL-1.0 Common Public Attribution License 1.0
CPL-1.0 Common Public License 1.0
CUA-OPL-1.0 CUA Office Public License v1.0
curl curl License
DL-DE-BY-2.0 Data licence Germany – attribution – version 2.0
DL-DE-ZERO-2.0 Data licence Germany – zero – version 2.0
ECL-1.0 Educational Community License v1.0
ECL-2.0 Educational Community License v2.0
EFL-1.0 Eiffel Forum License v1.0
EFL-2.0 Eiffel Forum License v2.0
Elastic-2.0 Elastic License 2.0
Entessa Entessa Public License v1.0
EPL-1.0 Eclipse Public License 1.0
EPL-2.0 Eclipse Public License 2.0
etalab-2.0 Etalab Open License 2.0
EUDatagrid EU DataGrid Software License
EUPL-1.0 European Union Public License 1.0
EUPL-1.1 European Union Public License 1.1
EUPL-1.2 European Union Public License 1.2
Fair Fair License
Frameworx-1.0 Frameworx Open License 1.0
FSFAP FSF All Permissive License
FSFAP-no-warranty-disclaimer FSF All Permissive License (without Warranty)
FSFUL FSF Unlimited License
FSFULLR FSF Unlimited License (with License Retention)
FSFULLRSD FSF Unlimited License (with License Retention and Short Disclaimer)
FSFULLRWD FSF Unlimited License (With License Retention and Warranty Disclaimer)
GFDL-1.1 GNU Free Documentation License v1.1
GFDL-1.1-invariants-only GNU Free Documentation License v1.1 only - invariants
GFDL-1.1-invariants-or-later GNU Free Documentation License v1.1 or later - invariants
GFDL-1.1-no-invariants-only GNU Free Documentation License v1.1 only - no invariants
GFDL-1.1-no-invariants-or-later GNU Free Documentation License v1.1 or later - no invariants
GFDL-1.1-only GNU Free Documentation License v1.1 only
GFDL-1.1-or-later GNU Free Documentation License v1.1 or later
GFDL-1.2 GNU Free Documentation License v1.2
GFDL-1.2-invariants-only GNU Free Documentation License v1.2 only - invariants
GFDL-1.2-invariants-or-later GNU Free Documentation License v1.2 or later - invariants
GFDL-1.2-no-invariants-only GNU Free Documentation License v1.2 only - no invariants
GFDL-1.2-no-invariants-or-later GNU Free Documentation License v1.2 or later - no invariants
GFDL-1.2-only GNU Free Documentation License v1.2 only
GFDL-1.2-or-later GNU Free Documentation License v1.2 or later
GFDL-1.3 GNU Free Documentation License v1.3
GFDL-1.3-invariants-only GNU Free Documentation License v1.3 only - invariants
GFDL-1.3-invariants-or-later GNU Free Documentation License v1.3 or later - invariants
GFDL-1.3-no-invariants-only GNU Free Documentation License v1.3 only - no invariants
GFDL-1.3-no-invariants-or-later GNU Free Documentation License v1.3 or later - no invariants
GFDL-1.3-only GNU Free Documentation License v1.3 only
GFDL-1.3-or-later GNU Free Documentation License v1.3 or later
GPL-1.0 GNU General Public License v1.0 only
GPL-1.0+ GNU General Public License v1.0 or later
GPL-1.0-only GNU General Public License v1.0 only
GPL-1.0-or-later GNU General Public License v1.0 or later
GPL-2.0 GNU General Public License v2.0 only
GPL-2.0+ GNU General Public License v2.0 or later
GPL-2.0-only GNU General Public License v2.0 only
GPL-2.0-or-later GNU General Public License v2.0 or later
GPL-2.0-with-autoconf-exception GNU General Public License v2.0 w/Autoconf exception
GPL-2.0-with-bison-exception GNU General Public License v2.0 w/Bison exception
GPL-2.0-with-classpath-exception GNU General Public License v2.0 w/Classpath exception
GPL-2.0-with-font-exception GNU General Public License v2.0 w/Font exception
GPL-2.0-with-GCC-exception GNU General Public License v2.0 w/GCC Runtime Library exception
GPL-3.0 GNU General Public License v3.0 only
GPL-3.0+ GNU General Public License v3.0 or later
GPL-3.0-only GNU General Public License v3.0 only
GPL-3.0-or-later GNU General Public License v3.0 or later
GPL-3.0-with-autoconf-exception GNU General Public License v3.0 w/Autoconf exception
GPL-3.0-with-GCC-exception GNU General Public License v3.0 w/GCC Runtime Library exception
HPND Historical Permission Notice and Disclaimer
HPND-DEC Historical Permission Notice and Disclaimer - DEC variant
HPND-doc Historical Permission Notice and Disclaimer - documentation variant
HPND-doc-sell Historical Permission Notice and Disclaimer - documentation sell variant
HPND-export-US HPND with US Government export control warning
HPND-export-US-acknowledgement HPND with US Government export control warning and acknowledgment
HPND-export-US-modify HPND with US Government export control warning and modification rqmt
HPND-export2-US HPND with US Government export control and 2 disclaimers
HPND-Fenneberg-Livingston Historical Permission Notice and Disclaimer - Fenneberg-Livingston variant
HPND-INRIA-IMAG Historical Permission Notice and Disclaimer    - INRIA-IMAG variant
HPND-Intel Historical Permission Notice and Disclaimer - Intel variant
HPND-Kevlin-Henney Historical Permission Notice and Disclaimer - Kevlin Henney variant
HPND-Markus-Kuhn Historical Permission Notice and Disclaimer - Markus Kuhn variant
HPND-merchantability-variant Historical Permission Notice and Disclaimer - merchantability variant
HPND-MIT-disclaimer Historical Permission Notice and Disclaimer with MIT disclaimer
HPND-Netrek Historical Permission Notice and Disclaimer - Netrek variant
HPND-Pbmplus Historical Permission Notice and Disclaimer - Pbmplus variant
HPND-sell-MIT-disclaimer-xserver Historical Permission Notice and Disclaimer - sell xserver variant with MIT disclaimer
HPND-sell-regexpr Historical Permission Notice and Disclaimer - sell regexpr variant
HPND-sell-variant Historical Permission Notice and Disclaimer - sell variant
HPND-sell-variant-critical-systems HPND - sell variant with safety critical systems clause
HPND-sell-variant-MIT-disclaimer HPND sell variant with MIT disclaimer
HPND-sell-variant-MIT-disclaimer-rev HPND sell variant with MIT disclaimer - reverse
HPND-SMC Historical Permission Notice and Disclaimer - SMC variant
HPND-UC Historical Permission Notice and Disclaimer - University of California variant
HPND-UC-export-US Historical Permission Notice and Disclaimer - University of California, US export warning
ICU ICU License
Intel Intel Open Source License
IPA IPA Font License
IPL-1.0 IBM Public License v1.0
ISC ISC License
Jam Jam License
JSON JSON License
LGPL-2.0 GNU Library General Public License v2 only
LGPL-2.0+ GNU Library General Public License v2 or later
LGPL-2.0-only GNU Library General Public License v2 only
LGPL-2.0-or-later GNU Library General Public License v2 or later
LGPL-2.1 GNU Lesser General Public License v2.1 only
LGPL-2.1+ GNU Lesser General Public License v2.1 or later
LGPL-2.1-only GNU Lesser General Public License v2.1 only
LGPL-2.1-or-later GNU Lesser General Public License v2.1 or later
LGPL-3.0 GNU Lesser General Public License v3.0 only
LGPL-3.0+ GNU Lesser General Public License v3.0 or later
LGPL-3.0-only GNU Lesser General Public License v3.0 only
LGPL-3.0-or-later GNU Lesser General Public License v3.0 or later
LiLiQ-P-1.1 Licence Libre du Québec – Permissive version 1.1
LiLiQ-R-1.1 Licence Libre du Québec – Réciprocité version 1.1
LiLiQ-Rplus-1.1 Licence Libre du Québec – Réciprocité forte version 1.1
LPL-1.0 Lucent Public License Version 1.0
LPL-1.02 Lucent Public License v1.02
LPPL-1.0 LaTeX Project Public License v1.0
LPPL-1.1 LaTeX Project Public License v1.1
LPPL-1.2 LaTeX Project Public License v1.2
LPPL-1.3a LaTeX Project Public License v1.3a
LPPL-1.3c LaTeX Project Public License v1.3c
MirOS The MirOS Licence
MIT MIT License
MIT-0 MIT No Attribution
MIT-advertising Enlightenment License (e16)
MIT-Click MIT Click License
MIT-CMU CMU License
MIT-enna enna License
MIT-feh feh License
MIT-Festival MIT Festival Variant
MIT-Khronos-old MIT Khronos - old variant
MIT-Modern-Variant MIT License Modern Variant
MIT-open-group MIT Open Group variant
MIT-STK MIT-STK License
MIT-testregex MIT testregex Variant
MIT-Wu MIT Tom Wu Variant
MITNFA MIT +no-false-attribs license
Motosoto Motosoto License
MPL-1.0 Mozilla Public License 1.0
MPL-1.1 Mozilla Public License 1.1
MPL-2.0 Mozilla Public License 2.0
MPL-2.0-no-copyleft-exception Mozilla Public License 2.0 (no copyleft exception)
MS-LPL Microsoft Limited Public License
MS-PL Microsoft Public License
MS-RL Microsoft Reciprocal License
MulanPSL-1.0 Mulan Permissive Software License, Version 1
MulanPSL-2.0 Mulan Permissive Software License, Version 2
Multics Multics License
NAIST-2003 Nara Institute of Science and Technology License (2003)
NASA-1.3 NASA Open Source Agreement 1.3
Naumen Naumen Public License
NCSA University of Illinois/NCSA Open Source License
NGPL Nethack General Public License
Nokia Nokia Open Source License
NPOSL-3.0 Non-Profit Open Software License 3.0
NTP NTP License
O-UDA-1.0 Open Use of Data Agreement v1.0
OCLC-2.0 OCLC Research Public License 2.0
ODbL-1.0 Open Data Commons Open Database License v1.0
ODC-By-1.0 Open Data Commons Attribution License v1.0
OFL-1.0 SIL Open Font License 1.0
OFL-1.0-no-RFN SIL Open Font License 1.0 with no Reserved Font Name
OFL-1.0-RFN SIL Open Font License 1.0 with Reserved Font Name
OFL-1.1 SIL Open Font License 1.1
OFL-1.1-no-RFN SIL Open Font License 1.1 with no Reserved Font Name
OFL-1.1-RFN SIL Open Font License 1.1 with Reserved Font Name
OGC-1.0 OGC Software License, Version 1.0
OGL-Canada-2.0 Open Government Licence - Canada
OGL-UK-1.0 Open Government Licence v1.0
OGL-UK-2.0 Open Government Licence v2.0
OGL-UK-3.0 Open Government Licence v3.0
OGTSL Open Group Test Suite License
OLDAP-2.8 Open LDAP Public License v2.8
OLFL-1.3 Open Logistics Foundation License Version 1.3
OpenMDW-1.0 OpenMDW License Agreement v1.0
OSC-1.0 OSC License 1.0
OSET-PL-2.1 OSET Public License version 2.1
OSL-1.0 Open Software License 1.0
OSL-1.1 Open Software License 1.1
OSL-2.0 Open Software License 2.0
OSL-2.1 Open Software License 2.1
OSL-3.0 Open Software License 3.0
Parity-6.0.0 The Parity Public License 6.0.0
Parity-7.0.0 The Parity Public License 7.0.0
PDDL-1.0 Open Data Commons Public Domain Dedication & License 1.0
PHP-3.0 PHP License v3.0
PHP-3.01 PHP License v3.01
PolyForm-Noncommercial-1.0.0 PolyForm Noncommercial License 1.0.0
PolyForm-Small-Business-1.0.0 PolyForm Small Business License 1.0.0
PostgreSQL PostgreSQL License
PSF-2.0 Python Software Foundation License 2.0
Python-2.0 Python License 2.0
Python-2.0.1 Python License 2.0.1
QPL-1.0 Q Public License 1.0
RPL-1.1 Reciprocal Public License 1.1
RPL-1.5 Reciprocal Public License 1.5
RPSL-1.0 RealNetworks Public Source License v1.0
RSCPL Ricoh Source Code Public License
SimPL-2.0 Simple Public License 2.0
SISSL Sun Industry Standards Source License v1.1
Sleepycat Sleepycat License
SPL-1.0 Sun Public License v1.0
SSPL-1.0 Server Side Public License, v 1
TU-Berlin-1.0 Technische Universitaet Berlin License 1.0
TU-Berlin-2.0 Technische Universitaet Berlin License 2.0
UCL-1.0 Upstream Compatibility License v1.0
Unicode-3.0 Unicode License v3
Unicode-DFS-2016 Unicode License Agreement - Data Files and Software (2016)
Unlicense The Unlicense
Unlicense-libtelnet Unlicense - libtelnet variant
Unlicense-libwhirlpool Unlicense - libwhirlpool variant
UPL-1.0 Universal Permissive License v1.0
VSL-1.0 Vovida Software License v1.0
W3C W3C Software Notice and License (2002-12-31)
W3C-20150513 W3C Software Notice and Document License (2015-05-13)
Watcom-1.0 Sybase Open Watcom Public License 1.0
WordNet WordNet License
WTFPL Do What The F*ck You Want To Public License
wxWindows wxWindows Library License
Xnet X.Net License
Zlib zlib License
ZPL-2.0 Zope Public License 2.0
ZPL-2.1 Zope Public License 2.1
"""
