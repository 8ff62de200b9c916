# Builds the packages of the Python agent in this folder, as root and in a scratch root.
tree=/tmp/tree
mkdir -p $tree/etc/scalyr-agent-2/agent.d $tree/etc/init.d $tree/usr/sbin $tree/usr/share/scalyr-agent-2/bin
mkdir -p $tree/usr/share/scalyr-agent-2/monitors/local $tree/var/log/scalyr-agent-2 $tree/var/lib/scalyr-agent-2
share=$tree/usr/share/scalyr-agent-2
install -m 0640 agent.json $tree/etc/scalyr-agent-2/agent.json
install -m 0755 init.sh $tree/etc/init.d/scalyr-agent-2
chmod 0751 $tree/etc/scalyr-agent-2/agent.d
cp -a py $share/py
chown -R 0:0 $share
# What PyPI leaves out, and the metrics monitor looks for.
mkdir -p $share/py/scalyr_agent/third_party/tcollector/collectors/0
# The stories speak no TLS; it wants the files all the same.
mkdir $share/certs
: >$share/certs/ca_certs.crt
: >$share/certs/intermediate_certs.pem
# What tells it that it was installed by a package.
echo '{"build_info": {}, "install_type": "package"}' >$share/py/scalyr_agent/install_info.json
for name in scalyr-agent-2 scalyr-agent-2-config; do
    # The second one is the command `config` of the first.
    command=${name#scalyr-agent-2}
    echo "#!/bin/sh" >$share/bin/$name
    echo "exec /usr/bin/python3 /usr/share/scalyr-agent-2/py/scalyr_agent/agent_main.py ${command#-} \"\$@\"" >>$share/bin/$name
    chmod 0755 $share/bin/$name
    ln -s /usr/share/scalyr-agent-2/bin/$name $tree/usr/sbin/$name
done

# $1: the name, $2: the version, $3: the other package
deb() {
    mkdir -p $tree/DEBIAN
    echo "$2" >$share/VERSION
    echo /etc/scalyr-agent-2/agent.json >$tree/DEBIAN/conffiles
    install -m 0755 postinst prerm $tree/DEBIAN/
    cat >$tree/DEBIAN/control <<EOF
Package: $1
Version: $2
Architecture: all
Maintainer: A story <story@example.com>
Provides: $1
Conflicts: $3
Depends: bash (>= 3.2)
Priority: extra
Section: default
Description: The Python agent, for stories about taking its place
EOF
    dpkg-deb -Znone --build $tree $1_$2_all.deb
    rm -r $tree/DEBIAN
}

rpm() {
    echo "$2" >$share/VERSION
    {
        cat <<EOF
%global __os_install_post %{nil}
%define _binary_payload w0.gzdio
Name: $1
Version: $2
Release: 1
Summary: The Python agent, for stories about taking its place
License: Apache-2.0
BuildArch: noarch
AutoReqProv: no
Requires: bash >= 3.2
Provides: $1
Conflicts: $3
%description
The Python agent, for stories about taking its place.
%install
cp -a $tree/. %{buildroot}
%files
%config(noreplace) %attr(0640,root,root) /etc/scalyr-agent-2/agent.json
%dir %attr(0751,root,root) /etc/scalyr-agent-2/agent.d
/etc/init.d/scalyr-agent-2
/usr/sbin/scalyr-agent-2
/usr/sbin/scalyr-agent-2-config
/usr/share/scalyr-agent-2
%dir /var/log/scalyr-agent-2
%dir /var/lib/scalyr-agent-2
%post
EOF
        sed 1d postinst
        echo %preun
        sed 1d prerm
    } >$1.spec
    rpmbuild --quiet -bb --define '_topdir /tmp/rpm' --define '_rpmdir /mnt' --define '_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' $1.spec
}

for version in 2.2.8 2.2.9; do
    deb scalyr-agent-2 $version scalyr-agent-2-aio
    rpm scalyr-agent-2 $version scalyr-agent-2-aio
done
deb scalyr-agent-2-aio 2.2.8 scalyr-agent-2
rpm scalyr-agent-2-aio 2.2.8 scalyr-agent-2

