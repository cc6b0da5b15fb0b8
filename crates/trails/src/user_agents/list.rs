//! The built-in list: texts that scanners, attack tools and malware are known to send. Libraries and tools that
//! administrators use every day (curl, wget, python-requests ...) are left out on purpose.

/// Searched for anywhere in an agent, in any case.
#[rustfmt::skip]
pub(super) const AGENTS: &[&str] = &[
    // Scanners of web applications.
    "acunetix", "appscan", "arachni/", "bbscan", "cgichk", "commix/", "crlfuzz", "dalfox", "dotdotpwn",
    "drupwn", "fimap", "fuzz faster u fool", "grendel-scan", "havij", "jaeles", "joomscan", "joomlavs",
    "jorgee", "w3af.org", "nessus", "netsparker", "nikto", "nuclei", "openvas", "owasp zap", "paros/", "qualys was", "rapidscan",
    "secscan", "skipfish", "sqlmap", "sqlninja", "sqlsus", "bsqlbf", "toata dragostea", "uniscan",
    "w3af", "wapiti", "watobo", "webinspect", "websecurify", "whatweb", "whatwaf", "wafw00f", "wfuzz", "wpscan", "wpsec",
    "cmsmap", "xsser", "xspider", "xsstrike", "zmeu", "zaproxy", "httprint", "vulnx", 
    "pmafind", "morfeus fucking scanner", "morfeus strikes again", "made by zmeu", "muieblackcat", "zollard",
    // Finding of directories and files.
    "dirb/", "dirbuster", "dirsearch", "feroxbuster", "ffuf", "gobuster", "gospider", "hakrawler", "katana/", "kiterunner",
    "patator", "rustbuster", "turbo intruder", "dirhunt", "dirstalk", "webshag", "intruder.io scanner", "davtest",
    // Scanners of networks and inventories.
    "masscan", "nmap scripting engine", "nmap nse", "zgrab", "zmap", "unicornscan", "httpx - open-source",
    "projectdiscovery", "naabu", "censysinspect", "shodan", "l9explore", "l9tcpid", "leakix", "netsystemsresearch",
    "expanse, a palo alto", "internet-measurement", "internetmeasurement", "odin; https", "onyphe", "fofa", "zoomeye", "quake.360",
    "binaryedge", "stretchoid", "criminal ip", "ltx71", "gather analyze provide", "hello, world",
    "researchscan", "project25499", "cloud mapping experiment",
    "xfa1", "custom-asynchttpclient", 
    // Brute force and stress.
    "brutus/", "thc-hydra", "ncrack", "crowbar/", "slowhttptest", "slowloris", "goldeneye/",
    "xerxes/", "wreckuests", "ufonet",
    // Exploitation and post-exploitation.
    "metasploit", "meterpreter", "cobaltstrike", "cobalt strike", "powersploit", "powershell empire", "koadic",
    "merlin/", "poshc2", "brute ratel",
    "interactsh", "xsshunter", "evilginx", "gophish", "crackmapexec", "netexec/", "impacket",
    "routersploit", "jexboss", "jndi:", "log4shell", "log4j-scan", "shellshock", "() { :", "${jndi", "<?php", "<script",
    "union select", "' or '1'='1", "/bin/sh -c", "/bin/bash -c", "cmd.exe /c", "wget http://", "curl http://", "; wget ", "; curl ", "chmod 777",
    "struts-pwn", "webshell", "antsword", "behinder",
    "r00ts3c", "lulzsec", "oast.me", "oast.fun", "oast.live", "oast.pro", "burp suite",
    // Botnets and their downloaders.
    "mirai", "gafgyt", "bashlite", "hakai/", "owari", "sora/2", "josho/", "okiru", "satori.", "kaiten.",
    "mozi.m", "botnet", "b4ckdoor", "demon/2.0", "dark_nexus", "dark nexus", "hoaxcalls",
    "apep/", "lzrd/", "akiru", "ouija", "kowai", "z0mbie", 
    // Trojans, stealers and their loaders.
    "agenttesla", "amadey", "arkei", "asyncrat", "azorult", "baldr", "blacknet", "blackshades", "bitrat", "cryptbot", "darkcomet",
    "dcrat", "dridex", "emotet", "formbook", "gozi", "gootkit", "guloader", "icedid", "jrat/", "kpot", "lokibot", "(charon; inferno)", "charon; inferno",
    "luminositylink", "mars stealer", "nanocore", "netwire", "njrat", "predator the thief",
    "qakbot", "qbot", "remcos", "rhadamanthys", "smokeloader", "stealc", "systembc", "teslabrowser",
    "trickbot", "ursnif", "vidar", "xworm", "zloader", "wsh-rat", "wshrat", "vjw0rm",
    "plugx", "gh0st", "poisonivy", "sakula", "shadowpad", "winnti", "hworm", "h-worm", "phorpiex", "phorphiex",
    "betabot", "dofoil", "fareit", "kovter", "necurs", "sality", "tofsee", "virut",
    "bladabindi", "ardamax", "keylogger", "stealer", "backdoor", "ransomware", "trojan", "rootkit", "cryptominer", "xmrig", "coinhive",
    "minerd/", "ccminer", "cpuminer", "nicehash", "installcore", "opencandy", "fakeav", "antivirus2009", "winfixer", "adload",
    "zlob", "zbot", "spyeye", "tdss", "rimecud", "koobface", "conficker", "asprox", "cutwail", "kelihos", "waledac", "pushdo",
    "rookie/1.0", "mozila/4.0", "mozi11a", "mozlila", "mazilla/", "mozzila",
    "nsis_inetload_bot", 
];

/// Of updaters and security products: never reported, whatever else they hold.
#[rustfmt::skip]
pub(super) const UPDATERS: &[&str] = &[
    "windows-update-agent", "microsoft-delivery-optimization", "microsoft bits/", "microsoft-cryptoapi", "ms-webservices",
    "debian apt-http", "debian apt-curl", "ubuntu apt-http", "libdnf", "urlgrabber", "zypp ", "pacman/",
    "google update/", "googleupdate", "softwareupdate", "trustd", "ocspd/", "clamav/", "freshclam", "sophos", "symantec",
    "liveupdate", "mcafee", "kaspersky", "ess update", "bitdefender", "bdupdate", "avast", "avg update", "avgsetup",
    "antivir-ngupd", "avira", "f-secure", "trend micro", "tmsps", "malwarebytes", "webroot", "panda antivirus", "crowdstrike",
    "sentinelone", "internal dummy connection", "suricata-update", "oinkmaster", "pulledpork",
];

/// Those of them that lists of others expect to be let through: with a list of the user's own, only these are.
pub(super) const ALWAYS: &[&str] = &[
    "antivir-ngupd",
    "tmsps",
    "avgsetup",
    "sdds",
    "sophos",
    "symantec",
    "internal dummy connection",
    "microsoft-cryptoapi",
];
